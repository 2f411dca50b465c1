"""Small campaigns, written by hand or simulated: one workload, one metric."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from tasks.statistics.decision_rules import DecisionRules
from tasks.statistics.simulate import METRIC, Schedule, SimulatedHost, frames, log_values
from tasks.storage.schema import CELLS, EFFECTS, SAMPLES

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
    """CELLS and SAMPLES of iterations given as (case, value) in time order, one every 100 s."""
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


def simulated(
    costs: Mapping[str, float],
    iterations: int,
    seed: int,
    *,
    cases: int = 40,
    placebos: int = 2,
    host: SimulatedHost | None = None,
    own_sd: Mapping[str, float] | None = None,
    cost_at: Mapping[int, float] | None = None,
) -> Frames:
    """CELLS and SAMPLES of case_0, case_1, …, placebo_1, … on a simulated host.

    `costs` in percent; `cost_at` adds a cost on the logarithm at positions of every iteration.
    """
    rng = np.random.default_rng(seed)
    names = [f"case_{i}" for i in range(cases)] + [f"placebo_{i + 1}" for i in range(placebos)]
    schedule = Schedule.interleaved(names, iterations, rng)
    y = log_values(schedule, costs, host or SimulatedHost(), rng, own_sd=own_sd or {})
    return frames(schedule, y - [(cost_at or {}).get(p, 0.0) for p in schedule.position])


def effects(*rows: dict[str, Any], **common: Any) -> pl.DataFrame:
    """EFFECTS of one run; `common` changes every row."""
    defaults: dict[str, Any] = {
        "environment": "env", "run": "r1", "layer": "host", "case": "x", "workload": "w",
        "metric": METRIC, "kind": "tool", "unit": "%", "scale": "ratio", "primary": True, "n": 4,
    }  # fmt: skip
    return EFFECTS.frame(defaults | common | row for row in rows)


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
