"""The first table of the history: what changed, newest first, in plain words."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import polars as pl

from ..model.metrics import METRICS, Better
from .document import Cell, Column, Table, text_cell
from .numbers import percent
from .past import HOSTS, Past, level_words
from .view import Row

SHOWN = 3
"""Moves that a row spells out; the others are counted."""


def changed_table(past: Past) -> Table | None:
    """A row for each thing that changed in a night; None where nothing did.

    New settings of the hosts start an epoch of every series; that is one thing.
    """
    t = past.t
    rows = [_row(past, moves) for moves in _things(past)]
    if not rows:
        return None
    columns = [
        Column(t("history.night")),
        Column(t("history.kind")),
        Column(t("head.environment")),
        Column(t("history.what")),
        Column(t("history.before_after"), sub=t("history.before_after_sub")),
    ]
    return Table(t("history.changed"), columns, rows, note=t("history.changed_note"))


def _things(past: Past) -> Iterator[list[Row]]:
    """The changes that are one thing together, newest first, the largest move first."""
    breaks = past.breaks
    worlds = breaks.filter(HOSTS, pl.col("kind") == "epoch")
    known = list(worlds.select("environment", "layer", "night").unique().iter_rows())

    def hosts_did_it(row: Row) -> bool:
        """A tool's epoch that began with the hosts': after its previous night, up to this one."""
        place = (row["environment"], row["layer"])
        return any(
            (environment, layer) == place and row["previous"] < night <= row["night"]
            for environment, layer, night in known
        )

    def thing(row: Row) -> tuple[Any, ...]:
        newest_first = -row["night"].timestamp()
        return newest_first, row["environment"], row["layer"], row["tool"] or "", row["kind"]

    told = [
        row
        for row in breaks.iter_rows(named=True)
        if row["tool"] is None or row["kind"] == "level" or not hosts_did_it(row)
    ]
    for _, moves in groupby(sorted(told, key=thing), key=thing):
        yield sorted(moves, key=lambda row: -abs(_size(row)))


def _row(past: Past, moves: Sequence[Row]) -> list[Cell]:
    t, first = past.t, moves[0]
    kind, layer = first["kind"], t(f"layer.{first['layer']}")
    night = f"{first['night']:%Y-%m-%d}"
    mark = "severity-warns" if kind == "level" else "severity-informs"
    more = len(moves) - SHOWN
    told = "; ".join(_move(past, move) for move in moves[:SHOWN])
    return [
        Cell(night, sort=first["night"].timestamp(), mark="when"),
        Cell(t(f"history.kinds.{kind}"), sort=kind, mark=mark),
        text_cell(f"{first['environment']} · {layer}"),
        text_cell(_what(past, first)),
        Cell(told, sub=t("history.more", count=more) if more > 0 else "", sort=abs(_size(first))),
    ]


def _what(past: Past, largest: Row) -> str:
    """One sentence: whose, and which way."""
    who = "hosts" if largest["tool"] is None else "tool"
    if largest["kind"] == "epoch":
        return past.t(f"history.epoch_of.{who}", tool=largest["tool"])
    way = "worse" if _size(largest) > 0 else "better"
    return past.t(f"history.level_of.{who}_{way}", tool=largest["tool"])


def _move(past: Past, row: Row) -> str:
    """Of a tool `TCP latency, rx_tcp: +2.0 % → +9.1 %`, of hosts `TCP latency: 68.0 µs → …`."""
    name = past.workload(row["workload"])
    levels = f"{level_words(row, 'before')} → {level_words(row, 'after')}"
    if row["tool"] is None:
        return f"{name}: {levels} ({percent((row['after'] / row['before'] - 1) * 100)})"
    return f"{name}, {past.label(row)}: {levels}"


def _size(row: Row) -> float:
    """Logarithm of after over before, positive where it got worse."""
    size = math.log(row["after"] / row["before"])
    return -size if METRICS[row["metric"]].better is Better.MORE else size
