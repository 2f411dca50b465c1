"""A table that fits the terminal, or else one block for each row. No cell is ever shortened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

INDENT = 2
MISSING = "—"


@dataclass
class FittingTable:
    """Rows under heads. Where the widest row does not fit, a row becomes a block: its first `names`
    cells as the title, the others below, each after its head (a head of "" is not
    written), missing ones left out.

    styles: a style for the whole title of each row.
    """

    heads: Sequence[str]
    names: int
    rows: list[Sequence[str]] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    numeric: Sequence[str] = ()

    def add(self, *cells: str, style: str = "") -> None:
        self.rows.append(cells)
        self.styles.append(style)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._table()
        if Measurement.get(console, options.update(width=100_000), table).maximum <= (
            options.max_width
        ):
            yield table
        else:
            yield from self._blocks()

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for head in self.heads:
            justify = "right" if head in self.numeric else "left"
            table.add_column(head, no_wrap=True, justify=justify)  # type: ignore[arg-type]
        for row, style in zip(self.rows, self.styles, strict=True):
            table.add_row(*map(Text, row), style=style)
        return table

    def _blocks(self) -> Iterable[Text | Padding]:
        for row, style in zip(self.rows, self.styles, strict=True):
            title, rest = row[: self.names], row[self.names :]
            yield Text(" · ".join(filter(None, title)), style=f"bold {style}".strip())
            told = zip(self.heads[self.names :], rest, strict=True)
            known = [(head, cell) for head, cell in told if cell not in ("", MISSING)]
            parts = [f"{head}: {cell}" if head else cell for head, cell in known]
            yield Padding(Text(" · ".join(parts)), (0, 0, 0, INDENT), expand=False)
