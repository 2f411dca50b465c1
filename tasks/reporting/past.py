"""Several nights as the history page asks of them. A night is one run.

What changed, epochs and intervals were computed elsewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby

import polars as pl

from ..model.metrics import METRICS
from .numbers import percent, quantity
from .texts import Texts
from .view import TOPICS, Row, workload_shapes, workload_words

_SERIES = ("environment", "layer", "case", "workload", "metric")

HOSTS = pl.col("tool").is_null()
"""Series of the hosts themselves, without a tool."""


@dataclass(frozen=True, slots=True)
class History:
    """All nights of one or more environments, primary metrics only.

    A series is environment, layer, case, workload, metric; `tool` is null where it is the hosts'.
    `nights`: run, night, epoch, `level`, which is e^δ̂ of a tool, and of the hosts the baseline in
    the metric's unit. `combined`, of tools: epoch, nights, first, last, estimate, ci_low, ci_high.
    `changes`: night, kind (`level` or `epoch`), before, after.
    """

    runs: pl.DataFrame  # columns: `tasks.storage.schema`
    nights: pl.DataFrame
    combined: pl.DataFrame
    changes: pl.DataFrame
    generated_at: datetime


class Past:
    """One history in one language."""

    def __init__(self, history: History, texts: Texts) -> None:
        self.history, self.t = history, texts
        self.shapes = workload_shapes(history.runs)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Environment -> its nights with results, also where there are none."""
        nights = self.history.nights.group_by("environment").agg(pl.col("run").n_unique())
        found = dict(nights.iter_rows())
        names = self.history.runs["environment"].unique().sort()
        return {name: found.get(name, 0) for name in names}

    @property
    def environments(self) -> list[str]:
        """Those with a history: more than one night."""
        return [name for name, count in self.counts.items() if count > 1]

    @cached_property
    def breaks(self) -> pl.DataFrame:
        """The changes, with the series' `previous` night and `at`, half-way from it."""
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
        """The workloads in the order of a reader, those of each protocol together."""

        def protocol(name: str) -> str:
            return self.shapes[name].protocol if name in self.shapes else ""

        def place(name: str) -> tuple[bool, str, int, int, str]:
            if (shape := self.shapes.get(name)) is None:
                return True, "", 0, 0, name
            return False, shape.protocol, TOPICS.index(shape.kind), shape.streams, name

        ordered = sorted(set(workloads), key=place)
        return [list(group) for _, group in groupby(ordered, key=protocol)]

    def workload(self, name: str) -> str:
        return workload_words(self.t, self.shapes, name)

    def protocol(self, workload: str) -> str:
        """`TCP`; empty where the runs do not tell."""
        return self.shapes[workload].protocol.upper() if workload in self.shapes else ""

    def label(self, row: Row) -> str:
        """The case without its tool's name: `rx_protocol_tcp`."""
        case: str = row["case"]
        return case.removeprefix(row["tool"] or "").lstrip("_") or case


def level_words(row: Row, column: str) -> str:
    """A level as a reader wants it: a tool's as the metric's change, the hosts' in its unit."""
    if row["tool"] is None:
        return quantity(row[column], METRICS[row["metric"]].unit)
    return percent((row[column] - 1) * 100)


def case_labels(past: Past, rows: pl.DataFrame) -> Mapping[str, str]:
    """case -> its label in charts and tables."""
    return {row["case"]: past.label(row) for row in rows.select("case", "tool").unique().to_dicts()}
