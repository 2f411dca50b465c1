"""A page before it is text: sections of paragraphs, lists, tables and charts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

from .numbers import DASH


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    `sub` is a second, smaller line; `sort` is the value that the column sorts by (None sorts
    last); `mark` is its CSS class (`verdict-overhead`, `answer-long`); `notes` are the numbers of
    the failed checks that concern it.
    """

    text: str
    sub: str = ""
    sort: float | str | None = None
    mark: str = ""
    notes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """The head of a column, and how the column makes its cell from one of the table's items.

    `sub` holds the unit; a `numeric` column is aligned to the right.
    """

    label: str
    cell: Callable[[Any], Cell]
    sub: str = ""
    numeric: bool = False


@dataclass(slots=True)
class ReportTable:
    """A row of cells for each of `items`; a long table gets a filter field unless `search` is off.

    `anchors` are the HTML ids of the rows, where something links to them.
    """

    caption: str
    columns: Sequence[ReportColumn]
    items: InitVar[Iterable[Any]]
    note: str = ""
    anchors: Sequence[str] = ()
    search: bool = True
    rows: list[list[Cell]] = field(init=False)

    FILTER_FROM: ClassVar[int] = 8

    def __post_init__(self, items: Iterable[Any]) -> None:
        self.rows = [[column.cell(item) for column in self.columns] for item in items]

    @property
    def filterable(self) -> bool:
        return self.search and len(self.rows) >= self.FILTER_FROM


@dataclass(frozen=True, slots=True)
class Chart:
    """A static SVG. Markdown leaves it out: a table of the same section has its numbers."""

    title: str
    svg: str


@dataclass(frozen=True, slots=True)
class Bullets:
    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Code:
    """Preformatted text, folded under its caption."""

    caption: str
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section."""

    text: str


Block = str | ReportTable | Chart | Bullets | Code | Heading
"""A part of a section; a `str` is a paragraph."""


class Section:
    """One numbered part of a page. Blocks with nothing in them are left out."""

    def __init__(self, id: str, title: str, *blocks: Block | None) -> None:
        self.id, self.title = id, title
        self.blocks = [block for block in blocks if block and not _empty(block)]


def _empty(block: Block) -> bool:
    return isinstance(block, ReportTable) and not block.rows


def text_cell(text: str | None, *, mark: str = "", sub: str = "") -> Cell:
    """A text that sorts by itself; a missing one is a dash and sorts last."""
    return Cell(text or DASH, sub=sub, sort=text or None, mark=mark)
