"""Columns that many tables share. Their items are rows of frames, or objects with attributes."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

from .document import Cell, ReportColumn, ReportTable
from .numbers import DASH, number
from .texts import Texts

_MARKS = {
    **dict.fromkeys(("tool", "case", "gate", "raw", "partition"), "name"),
    **dict.fromkeys(("environment", "layer"), "short"),
    "command": "command",
}
_TRANSLATED = ("layer", "source", "status")


def named_columns(t: Texts, *names: str) -> list[ReportColumn]:
    """A column for each name: the item's value of that name, under the text `head.<name>`."""
    return [ReportColumn(t(f"head.{name}"), partial(_named_cell, t, name)) for name in names]


def _named_cell(t: Texts, name: str, item: Any) -> Cell:
    value = item[name] if isinstance(item, Mapping) else getattr(item, name)
    text = t(f"{name}.{value}") if name in _TRANSLATED else value
    return Cell(text or DASH, sort=value or None, mark=_MARKS.get(name, ""))


def number_column(
    label: str, name: str, digits: int | None = None, *, sub: str = ""
) -> ReportColumn:
    """The row's number of that name; `digits` as in `number`."""
    return ReportColumn(label, lambda row: number_cell(row.get(name), digits), sub, numeric=True)


def number_cell(value: float | None, digits: int | None = None) -> Cell:
    return Cell(number(value, digits), sort=value)


def matrix(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[tuple[str, Sequence[Cell]]],
    *,
    numeric: bool = False,
    search: bool = True,
) -> ReportTable:
    """A label and its cells in each row; the first of `heads` is the labels'."""
    columns = [
        ReportColumn(head, itemgetter(place), numeric=numeric and place > 0)
        for place, head in enumerate(heads)
    ]
    items = [[Cell(label), *cells] for label, cells in rows]
    return ReportTable(caption, columns, items, search=search)
