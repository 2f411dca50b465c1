"""Structure: is everything there that was planned, and does it fit together?

Columns, types, allowed values, units and unique keys are `expectations.py`'s.
"""

from collections.abc import Callable

import polars as pl

from .rule import Tables
from .views import CELL, PRIMARY_METRICS, nodes, number, ratio

MAX_LOST = 0.10
"""More lost cells than this and a pattern is lost with them: what failed is seldom random."""

WINDOW_TOLERANCE = 0.05

MAX_CLOCK_OFFSET_S = 1.0
"""Every window is cut on the clock of its own host, so that this harms no number: it misleads who
lays the host's log beside ours."""

_CASE = ("environment", "run", "layer", "tool", "case", "workload")


def cells_lost_to(gate: str) -> Callable[[Tables], pl.DataFrame]:
    """The judge for one gate: a row for each case and workload with a cell that the gate judged."""

    def judge(tables: Tables) -> pl.DataFrame:
        stopped = (pl.col("status") == "invalid") & (pl.col("gate") == gate)
        return (
            tables["cells"]
            .filter(stopped | (pl.col("status") == "passed"))
            .group_by(_CASE)
            .agg(lost=stopped.sum(), cells=pl.len(), why=pl.col("reason").filter(stopped).first())
            .select(
                *_CASE,
                failed=pl.col("lost") > 0,
                observed=pl.concat_str(
                    ratio(pl.col("lost"), pl.col("cells")),
                    pl.lit(": ") + pl.col("why").fill_null(gate),
                ),
            )
            .sort(_CASE)
        )

    return judge


def too_many_lost(tables: Tables) -> pl.DataFrame:
    """Cells that did not pass, a layer of a run each; a cell passed at any attempt is not lost."""
    keys = ("environment", "run", "layer")
    place = [column for column in CELL if column != "attempt"]
    lost = pl.col("passed").not_().sum()
    return (
        tables["cells"]
        .filter(pl.col("status") != "skipped")
        .group_by(place)
        .agg(passed=(pl.col("status") == "passed").any())
        .group_by(keys)
        .agg(failed=lost > MAX_LOST * pl.len(), observed=ratio(lost, pl.len()))
        .with_columns(expected=pl.lit(f"<= {MAX_LOST:.0%}"))
        .sort(keys)
    )


def value_missing(tables: Tables) -> pl.DataFrame:
    """Cells that passed and yet have no value of any primary metric, counted by workload."""
    keys = ("environment", "run", "layer", "workload")
    valued = (
        tables["samples"]
        .filter(pl.col("metric").is_in(PRIMARY_METRICS), pl.col("value").is_not_null())
        .select(CELL)
        .unique()
    )
    passed = tables["cells"].filter(status="passed")
    empty = passed.join(valued, on=CELL, how="anti").group_by(keys).agg(empty=pl.len())
    return (
        passed.group_by(keys)
        .agg(cells=pl.len())
        .join(empty, on=keys, how="left")
        .with_columns(pl.col("empty").fill_null(0))
        .select(
            *keys,
            failed=pl.col("empty") > 0,
            observed=ratio(pl.col("empty"), pl.col("cells")),
            expected=pl.lit("0"),
        )
        .sort(keys)
    )


def window_length(tables: Tables) -> pl.DataFrame:
    """Windows unlike the others of their workload in the run, counted by case.

    Windows of unlike length do not average the same: queues and frequencies settle over seconds.
    """
    group = ("environment", "run", "layer", "workload")
    usual = pl.median("window_s").over(group)
    off = (pl.col("window_s") / usual - 1).abs() > WINDOW_TOLERANCE
    return (
        tables["cells"]
        .filter(pl.col("status") == "passed", pl.col("window_s").is_not_null())
        .with_columns(usual=usual, off=off)
        .group_by(_CASE)
        .agg(
            failed=pl.col("off").any(),
            observed=pl.concat_str(number(pl.col("window_s").filter("off").first()), pl.lit(" s")),
            expected=pl.concat_str(number(pl.col("usual").first()), pl.lit(" s")),
        )
        .sort(_CASE)
    )


def clock_unaligned(tables: Tables) -> pl.DataFrame:
    """Cells whose monitors could not be put on the load's clock, a layer of a run each."""
    keys = ("environment", "run", "layer")
    unaligned = (pl.col("clock") == "unaligned").sum()
    return (
        tables["cells"]
        .filter(pl.col("clock").is_not_null())
        .group_by(keys)
        .agg(failed=unaligned > 0, observed=ratio(unaligned, pl.len()))
        .with_columns(expected=pl.lit("0"))
        .sort(keys)
    )


def clock_offset(tables: Tables) -> pl.DataFrame:
    """Nodes whose clock is far from ours, a run each."""
    off = pl.col("clock_offset_s").abs() > MAX_CLOCK_OFFSET_S
    told = pl.format("{} {} s", "node", number(pl.col("clock_offset_s"))).filter(off)
    return (
        nodes(tables)
        .drop_nulls("clock_offset_s")
        .group_by("environment", "run")
        .agg(failed=off.any(), observed=told.str.join(", "))
        .with_columns(expected=pl.lit(f"within {MAX_CLOCK_OFFSET_S:g} s"))
        .sort("environment", "run")
    )
