"""The report before it is text: sections of paragraphs, tables, charts; for HTML and Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    `sub` is a second, smaller line; `sort` what the column is ordered by (None sorts last);
    `mark` names how it looks (`verdict-overhead`, `answer-long`); `notes` are numbers of failed
    checks that concern it.
    """

    text: str
    sub: str = ""
    sort: float | str | None = None
    mark: str = ""
    notes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head; `sub` says unit and sign, `numeric` aligns to the right."""

    label: str
    sub: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under heads; with `search` and `FILTER_FROM` rows, a filter field above."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    anchors: Sequence[str] = ()  # ids of the rows, where something links to them
    search: bool = True

    FILTER_FROM: ClassVar[int] = 8

    @property
    def filterable(self) -> bool:
        return self.search and len(self.rows) >= self.FILTER_FROM


@dataclass(frozen=True, slots=True)
class Chart:
    """A static SVG and what it shows. Markdown leaves it out: a table beside it has the numbers."""

    title: str
    svg: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Code:
    """Text as it is, under a line that says what it is."""

    caption: str
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section."""

    text: str


Block = Table | Chart | Prose | Bullets | Code | Heading


@dataclass(frozen=True, slots=True)
class Section:
    """One numbered part of the report."""

    id: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def text_cell(text: str | None, *, mark: str = "", sub: str = "") -> Cell:
    """A word or two, sorted by itself; missing is an em dash that sorts last."""
    return Cell(text or "—", sub=sub, sort=text or None, mark=mark)
