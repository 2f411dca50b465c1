"""A page before it is text: sections of paragraphs, lists, tables and charts."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

from .numbers import DASH


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    `sub` is a second, smaller line; `sort` is the value that the column sorts by (None sorts
    last); `mark` is its CSS class (`verdict-overhead`, `answer-long`); `notes` are the numbers of
    the failed checks that concern it; `link` is the id of the place on the page that says more;
    `strip` is an SVG of one line, drawn below the text (`charts/strip.py`).
    """

    text: str
    sub: str = ""
    sort: float | str | None = None
    mark: str = ""
    notes: tuple[int, ...] = ()
    link: str = ""
    strip: str = ""


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """The head of a column, and how the column makes its cell from one of the table's items.

    `sub` holds the unit; a `numeric` column is aligned to the right; `axis` is that of its cells'
    strips, an SVG.
    """

    label: str
    cell: Callable[[Any], Cell]
    sub: str = ""
    numeric: bool = False
    axis: str = ""


@dataclass(slots=True)
class ReportTable:
    """A row of cells for each of `items`.

    `anchors` are the HTML ids of the rows, where something links to them. `style` is the table's
    CSS class. The page's filter looks into its rows unless `search` is off. A long table is folded
    under its caption unless it is to be `open`. `find` are words that the filter finds each row by,
    beside its own.
    """

    caption: str
    columns: Sequence[ReportColumn]
    items: InitVar[Iterable[Any]]
    note: str = ""
    anchors: Sequence[str] = ()
    search: bool = True
    style: str = ""
    open: bool = False
    find: str = ""
    rows: list[list[Cell]] = field(init=False)

    FOLDED_FROM: ClassVar[int] = 13

    def __post_init__(self, items: Iterable[Any]) -> None:
        self.rows = [[column.cell(item) for column in self.columns] for item in items]

    @property
    def folded(self) -> bool:
        return not self.open and len(self.rows) >= self.FOLDED_FROM


@dataclass(frozen=True, slots=True)
class Chart:
    """A static SVG. Markdown leaves it out: a table of the same section has its numbers.

    A tall chart is folded under its title.
    """

    title: str
    svg: str

    FOLDED_FROM: ClassVar[int] = 600

    @property
    def folded(self) -> bool:
        height = re.search(r'height="(\d+)', self.svg)
        return height is not None and int(height[1]) >= self.FOLDED_FROM


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


@dataclass(frozen=True, slots=True)
class Lead:
    """The one sentence that a reader takes along, in large type."""

    text: str


@dataclass(frozen=True, slots=True)
class Folded:
    """Blocks that unfold under their caption."""

    caption: str
    blocks: Sequence["Block"]


@dataclass(frozen=True, slots=True)
class Lines:
    """A table whose rows unfold: `inside` holds the blocks of each.

    `ground` is a style sheet and an SVG of what the strips are drawn on.
    """

    table: ReportTable
    inside: Sequence[Sequence["Block"]]
    ground: str = ""


Block = str | ReportTable | Chart | Bullets | Code | Heading | Lead | Folded | Lines
"""A part of a section; a `str` is a paragraph."""


class Section:
    """One numbered part of a page. Blocks with nothing in them are left out; a folded table without
    a caption is called what the section is called."""

    def __init__(self, id: str, title: str, *blocks: Block | None) -> None:
        self.id, self.title = id, title
        self.blocks = [block for block in blocks if block and not is_empty(block)]
        for block in self.blocks:
            if isinstance(block, ReportTable) and block.folded and not block.caption:
                block.caption = title


def is_empty(block: Block) -> bool:
    """Whether it is a table without rows."""
    table = block.table if isinstance(block, Lines) else block
    return isinstance(table, ReportTable) and not table.rows


def text_cell(text: str | None, *, mark: str = "", sub: str = "") -> Cell:
    """A text that sorts by itself; a missing one is a dash and sorts last."""
    return Cell(text or DASH, sub=sub, sort=text or None, mark=mark)
