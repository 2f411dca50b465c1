"""What the history page asks of several nights. A night is one run.

Changes, epochs and intervals were computed elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby

import polars as pl

from ..model.metrics import METRICS, Better
from .numbers import percent, quantity
from .texts import Texts
from .view import TOPICS, Row, workload_name, workload_shapes

_SERIES = ("environment", "layer", "case", "workload", "metric")

HOSTS = pl.col("tool").is_null()
"""Series of the hosts themselves, without a tool."""


@dataclass(frozen=True, slots=True)
class History:
    """All nights of one or more environments, primary metrics only.

    All frames but `runs` hold series: environment, layer, case, workload, metric, tool. `tool` is
    null in the hosts' own series. Further columns:
    `nights`: run, night, epoch and `level`: e^δ̂ of a tool, the hosts' baseline in its unit.
    `combined`, of tools only: epoch, nights, first, last, estimate, ci_low, ci_high.
    `changes`: night, kind (`level` or `epoch`), before, after.
    """

    runs: pl.DataFrame  # columns: `tasks.storage.schema`
    nights: pl.DataFrame
    combined: pl.DataFrame
    changes: pl.DataFrame
    generated_at: datetime


class HistoryView:
    """One history in one language."""

    def __init__(self, history: History, texts: Texts) -> None:
        self.history, self.t = history, texts
        self.shapes = workload_shapes(history.runs)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Environment -> number of its nights with results, 0 included."""
        nights = self.history.nights.group_by("environment").agg(pl.col("run").n_unique())
        found = dict(nights.iter_rows())
        names = self.history.runs["environment"].unique().sort()
        return {name: found.get(name, 0) for name in names}

    @property
    def environments(self) -> list[str]:
        """Environments with a history: more than one night."""
        return [name for name, count in self.counts.items() if count > 1]

    @cached_property
    def changes(self) -> pl.DataFrame:
        """The changes, with the series' `previous` night and `at`, half-way between the two."""
        previous = pl.col("night").shift(1).over(_SERIES, order_by="night")
        nights = self.history.nights.select(*_SERIES, "night", previous=previous)
        half = (pl.col("night") - pl.col("previous")) / 2
        found = self.history.changes.join(nights, on=[*_SERIES, "night"], how="left")
        return found.with_columns(at=pl.col("previous") + half)

    @cached_property
    def combined(self) -> pl.DataFrame:
        """The combined costs, with the number of `levels` that the series had in the epoch."""
        place = [*_SERIES, "epoch"]
        epochs = self.history.nights.select(*place, "night")
        steps = self.history.changes.filter(kind="level").join(epochs, on=[*_SERIES, "night"])
        counted = steps.group_by(place).agg(steps=pl.len())
        levels = pl.col("steps").fill_null(0) + 1
        found = self.history.combined.join(counted, on=place, how="left", nulls_equal=True)
        return found.with_columns(levels=levels, primary=pl.lit(True))

    def by_protocol(self, workloads: Iterable[str]) -> list[list[str]]:
        """The workloads in the report's order, those of each protocol together."""

        def order(name: str) -> tuple[bool, str, int, int, str]:
            shape = self.shapes.get(name)
            if shape is None:
                return True, "", 0, 0, name
            kind = (*TOPICS, shape.kind).index(shape.kind)
            return False, shape.protocol, kind, shape.streams, name

        return [
            list(group) for _, group in groupby(sorted(set(workloads), key=order), self.protocol)
        ]

    def workload(self, name: str) -> str:
        return workload_name(self.t, self.shapes, name)

    def protocol(self, workload: str) -> str:
        """`TCP`; empty if the runs do not hold the workload."""
        return self.shapes[workload].protocol.upper() if workload in self.shapes else ""

    def levels(self, row: Row) -> str:
        """`before → after` of a change: a tool's as costs, the hosts' in the metric's unit."""
        ends, metric = (row["before"], row["after"]), METRICS[row["metric"]]
        if row["tool"] is None:
            before, after = (quantity(end, metric.unit) for end in ends)
        else:
            worse = -100 if metric.better is Better.MORE else 100
            before, after = (percent(worse * (end - 1)) for end in ends)
        return f"{before} → {after}"


def label(row: Row) -> str:
    """The case without its tool's name: `rx_protocol_tcp`."""
    case: str = row["case"]
    return case.removeprefix(row["tool"] or "").lstrip("_") or case
