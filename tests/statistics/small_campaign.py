"""Small campaigns written down by hand: one workload, one metric, a cell every 100 seconds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from tasks.statistics.decision_rules import DecisionRules
from tasks.storage.schema import CELLS, SAMPLES

START = datetime(2026, 3, 1, 22, tzinfo=UTC)
WORKLOAD = "throughput_single_tcp"
PRIMARY = {WORKLOAD: "throughput_bps", "latency_tcp_rr": "latency_mean_us"}
RULES = DecisionRules(primary=PRIMARY)

Frames = tuple[pl.DataFrame, pl.DataFrame]


def campaign(
    iterations: Sequence[Sequence[tuple[str, float | None]]],
    metric: str = "throughput_bps",
    workload: str = WORKLOAD,
    **changes: Any,
) -> Frames:
    """CELLS and SAMPLES of iterations given as (case, value) in time order."""
    cells, samples = [], []
    clock = START
    for iteration, slots in enumerate(iterations, start=1):
        for position, (case, value) in enumerate(slots):
            key = {
                "environment": "env",
                "run": "r1",
                "layer": "host",
                "iteration": iteration,
                "position": position,
                "case": case,
                "workload": workload,
                "attempt": 1,
            }
            kind = {"b": "baseline", "p": "placebo"}.get(case[0], "tool")
            cells.append(
                key
                | {
                    "kind": kind,
                    "tool": "" if kind == "baseline" else case,
                    "status": "passed",
                    "started": clock,
                    "ended": clock + timedelta(seconds=10),
                }
                | changes
            )
            samples.append(key | {"metric": metric, "value": value, "unit": "u"})
            clock += timedelta(seconds=100)
    return CELLS.frame(cells), SAMPLES.frame(samples)


def where(frame: pl.DataFrame, column: str, value: Any, **match: Any) -> pl.DataFrame:
    """`frame` with `column` set to `value` in the rows that match; at least one must."""
    hit = pl.all_horizontal(pl.col(name) == wanted for name, wanted in match.items())
    assert frame.filter(hit).height > 0, match
    return frame.with_columns(
        pl.when(hit).then(pl.lit(value, frame.schema[column])).otherwise(column).alias(column)
    )


def effect(effects: pl.DataFrame, **match: Any) -> dict[str, Any]:
    """The one row that matches."""
    rows = effects.filter(pl.col(name) == wanted for name, wanted in match.items())
    return rows.row(0, named=True) if rows.height == 1 else {"rows": rows.height}
