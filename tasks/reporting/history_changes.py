"""The first table of the history: what changed, newest first."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import polars as pl

from ..model.metrics import METRICS, Better
from .document import Cell, ReportColumn, ReportTable, text_cell
from .history_view import HOSTS, HistoryView, label
from .numbers import percent
from .view import Row

SHOWN = 3
"""Changes of level that a row spells out; the others are counted."""


def changes_table(view: HistoryView) -> ReportTable | None:
    """A row for each event: the changes of several series that have one cause.

    None where nothing changed.
    """
    t = view.t

    def night(event: Sequence[Row]) -> Cell:
        moment = event[0]["night"]
        return Cell(f"{moment:%Y-%m-%d}", sort=moment.timestamp(), mark="when")

    def kind(event: Sequence[Row]) -> Cell:
        name = event[0]["kind"]
        mark = "severity-warns" if name == "level" else "severity-informs"
        return Cell(t(f"history.kinds.{name}"), sort=name, mark=mark)

    def place(event: Sequence[Row]) -> Cell:
        layer = t(f"layer.{event[0]['layer']}")
        return text_cell(f"{event[0]['environment']} · {layer}")

    def levels(event: Sequence[Row]) -> Cell:
        more = len(event) - SHOWN
        return Cell(
            "; ".join(_change(view, row) for row in event[:SHOWN]),
            sub=t("history.more", count=more) if more > 0 else "",
            sort=abs(_size(event[0])),
        )

    columns = [
        ReportColumn(t("history.night"), night),
        ReportColumn(t("history.kind"), kind),
        ReportColumn(t("head.environment"), place),
        ReportColumn(t("history.what"), lambda event: text_cell(_sentence(view, event[0]))),
        ReportColumn(t("history.before_after"), levels, t("history.before_after_sub")),
    ]
    events = list(_events(view.changes))
    note = t("history.changed_note")
    return ReportTable(t("history.changed"), columns, events, note) if events else None


def _events(changes: pl.DataFrame) -> Iterator[list[Row]]:
    """The changes that belong together, newest first; within an event the largest comes first.

    New settings of the hosts start an epoch of every series, of the tools' too: that is one event.
    """
    hosts = changes.filter(HOSTS, kind="epoch").select("environment", "layer", "night").unique()

    def is_the_hosts(row: Row) -> bool:
        """Whether a tool's epoch began with the hosts': after its previous night, up to this."""
        began = hosts.filter(
            pl.col("night").is_between(row["previous"], row["night"], closed="right"),
            environment=row["environment"],
            layer=row["layer"],
        )
        return row["tool"] is not None and row["kind"] == "epoch" and not began.is_empty()

    def event(row: Row) -> tuple[Any, ...]:
        newest_first = -row["night"].timestamp()
        return newest_first, row["environment"], row["layer"], row["tool"] or "", row["kind"]

    rows = [row for row in changes.to_dicts() if not is_the_hosts(row)]
    for _, together in groupby(sorted(rows, key=event), key=event):
        yield sorted(together, key=lambda row: -abs(_size(row)))


def _sentence(view: HistoryView, largest: Row) -> str:
    """What changed, and which way."""
    who = "hosts" if largest["tool"] is None else "tool"
    if largest["kind"] == "epoch":
        return view.t(f"history.epoch_of.{who}", tool=largest["tool"])
    direction = "worse" if _size(largest) > 0 else "better"
    return view.t(f"history.level_of.{who}_{direction}", tool=largest["tool"])


def _change(view: HistoryView, row: Row) -> str:
    """`TCP latency, rx_tcp: +2.0 % → +9.1 %` of a tool, `TCP latency: 68.0 µs → …` of hosts."""
    name = view.workload(row["workload"])
    if row["tool"] is None:
        return f"{name}: {view.levels(row)} ({percent((row['after'] / row['before'] - 1) * 100)})"
    return f"{name}, {label(row)}: {view.levels(row)}"


def _size(row: Row) -> float:
    """Logarithm of after over before, positive where it got worse."""
    size = math.log(row["after"] / row["before"])
    return -size if METRICS[row["metric"]].better is Better.MORE else size
