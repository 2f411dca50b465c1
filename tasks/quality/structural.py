"""Structure: was everything measured that was planned, and is it consistent?

Columns, types, allowed values, units and unique keys are checked in `suites.py`.
"""

from collections.abc import Callable

import polars as pl

from ..model.outcome import UNATTACHABLE
from ..storage.schema import CELLS, PARTITION
from .rule import Tables
from .views import PLANNED_CELL, PRIMARY_METRICS, nodes, number, ratio, share_of_cells

MAX_LOST = 0.10
"""Above this share the result is biased: which cells fail is seldom random."""

WINDOW_TOLERANCE = 0.05

MAX_CLOCK_OFFSET_S = 1.0
"""Each window is cut on its own host's clock, so no number is affected; but the host's log, read
beside ours, misleads."""

_CASE = (*PARTITION, "layer", "tool", "case", "workload")


def cells_lost_to(gate: str) -> Callable[[Tables], pl.DataFrame]:
    """The judge for one gate: a row for each case and workload of which it could refuse a cell."""

    def judge(tables: Tables) -> pl.DataFrame:
        stopped = (pl.col("status") == "invalid") & (pl.col("gate") == gate)
        return (
            tables["cells"]
            .filter(stopped | (pl.col("status") == "passed"))
            .group_by(_CASE)
            .agg(
                pl.col("reason", "reason_zh").filter(stopped).first(),
                lost=stopped.sum(),
                cells=pl.len(),
            )
            .select(
                *_CASE,
                failed=pl.col("lost") > 0,
                observed=_lost(": ", pl.col("reason"), gate),
                observed_zh=_lost("：", pl.coalesce("reason_zh", "reason"), gate),
            )
            .sort(_CASE)
        )

    return judge


def _lost(colon: str, why: pl.Expr, gate: str) -> pl.Expr:
    """`2/8: ` and why the first of these cells was lost."""
    share = ratio(pl.col("lost"), pl.col("cells"))
    return pl.concat_str(share, pl.lit(colon), why.fill_null(gate))


def too_many_lost(tables: Tables) -> pl.DataFrame:
    """The share of cells that passed at no attempt, one row for each layer of a run."""
    passed = (pl.col("status") == "passed").any()
    started = tables["cells"].filter(
        pl.col("status") != "skipped", pl.col("gate").ne_missing(UNATTACHABLE)
    )
    return share_of_cells(
        started.group_by(PLANNED_CELL).agg(lost=~passed), pl.col("lost"), MAX_LOST
    )


def value_missing(tables: Tables) -> pl.DataFrame:
    """Cells that passed and yet have no value of any primary metric, counted by workload."""
    valued = (
        tables["samples"]
        .filter(pl.col("metric").is_in(PRIMARY_METRICS), pl.col("value").is_not_null())
        .select(*CELLS.key, valued=True)
        .unique()
    )
    passed = tables["cells"].filter(status="passed").join(valued, on=CELLS.key, how="left")
    return share_of_cells(passed, pl.col("valued").is_null(), 0, (*PARTITION, "layer", "workload"))


def window_length(tables: Tables) -> pl.DataFrame:
    """Cases with windows whose length differs from the others' of their workload in the run.

    Windows of different length average different things: queues and frequencies settle over
    seconds.
    """
    usual = pl.median("window_s").over(*PARTITION, "layer", "workload")
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
    """Cells whose monitors could not be aligned with the load's clock, for each layer of a run."""
    cells = tables["cells"].drop_nulls("clock")
    return share_of_cells(cells, pl.col("clock") == "unaligned", 0)


def clock_offset(tables: Tables) -> pl.DataFrame:
    """Nodes whose clock is far from ours, one row for each run."""
    off = pl.col("clock_offset_s").abs() > MAX_CLOCK_OFFSET_S
    offset = pl.format("{} {} s", "node", number(pl.col("clock_offset_s"))).filter(off)
    return (
        nodes(tables)
        .drop_nulls("clock_offset_s")
        .group_by(PARTITION)
        .agg(failed=off.any(), observed=offset.str.join(", "))
        .with_columns(expected=pl.lit(f"≤ {MAX_CLOCK_OFFSET_S:g} s"))
        .sort(PARTITION)
    )
