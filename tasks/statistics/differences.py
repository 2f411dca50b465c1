"""One difference per cell: a case's value minus the interpolation of its two baselines.

    d = y_tool − [(1 − w)·y_L + w·y_R],   w = (t − t_L)/(t_R − t_L),   y = ln(value) or the value

L and R are the nearest passed baselines before and after, of the same workload in the same
iteration and layer; t is the middle of the window. This removes a night's drift from the comparison
as far as it is linear between two baselines. Baselines with a pause between them (a night that
ended, a run that was resumed) are not neighbours: the drift between them is unknown.
"""

import polars as pl

from ..model.errors import DatasetError
from ..model.metrics import METRICS, Scale
from ..storage.schema import CELLS, PARTITION, STRATUM
from .reasons import sentence
from .scale import is_tool_metric

PLACE = (*PARTITION, "layer", "iteration", "workload")
_SLOT = (*PARTITION, "layer", "iteration", "position", "attempt")
TOOL = ("kind", "tool", "tool_class", "category", "protocol", "direction")

PAUSE = 4.0
"""A gap of so many usual gaps between two baselines is a pause; fewer, and some may have failed."""

_METRICS = pl.DataFrame(
    {
        "metric": list(METRICS),
        "is_ratio": [m.scale is Scale.RATIO for m in METRICS.values()],
        "is_tool_metric": [is_tool_metric(name) for name in METRICS],
    }
)


def cell_values(cells: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Every value of the passed cells that count, one row per cell and metric.

    Adds `t_s` (middle of the window, epoch seconds) and `y` (the logarithm of ratio metrics, else
    the value; null where the value is missing or has no logarithm) and `follows_tool`. Raises
    `DatasetError` where a cell has two values of one metric.
    """
    values = samples.join(_METRICS, on="metric").select(
        *CELLS.key,
        "metric",
        "is_ratio",
        "is_tool_metric",
        pl.when(pl.col("value").is_finite()).then("value").alias("value"),
    )
    if values.select(*CELLS.key, "metric").is_duplicated().any():
        raise DatasetError("samples: a cell has two values of one metric; one scalar is expected")
    middle = pl.col("started") + (pl.col("ended") - pl.col("started")) / 2
    positive = pl.when(pl.col("value") > 0).then("value")
    return (
        counting(cells)
        .filter(pl.col("status") == "passed")
        .with_columns(t_s=middle.dt.epoch("us") / 1e6)
        .join(values, on=CELLS.key)
        .join(_slots(cells), on=_SLOT, how="left", maintain_order="left")
        .with_columns(y=pl.when("is_ratio").then(positive.log()).otherwise("value"))
    )


def _slots(cells: pl.DataFrame) -> pl.DataFrame:
    """Each slot that was started, and `follows_tool`: whether a tool ran in the slot before it.

    The slot before it is the one on the same hosts, of any layer, whether its cells passed or not.
    A placebo leaves behind what the harness does. False for the first slot and after a baseline.
    """
    slots = cells.group_by(_SLOT).agg(pl.col("started").min(), pl.col("kind").first())
    ran_before = (pl.col("kind") != "baseline").shift(1).over(PARTITION, order_by="started")
    return (
        slots.drop_nulls("started")
        .with_columns(follows_tool=ran_before.fill_null(False))
        .select(*_SLOT, "follows_tool")
    )


def counting(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells that count: of a case the highest attempt; of the baselines every attempt, since
    each is a true value at its own time."""
    last = pl.col("attempt") == pl.col("attempt").max().over(*PLACE, "case")
    return cells.filter((pl.col("kind") == "baseline") | last)


def differences(values: pl.DataFrame) -> pl.DataFrame:
    """`cell_values` of tools and placebos beside their baselines.

    Adds the neighbours' `left_y`, `right_y`, `left_value`, `right_value`, `weight`, `d` (null where
    it is not defined) and `problem` (the reason as a `reasons.SENTENCE`, else null).
    """
    baselines = values.filter((pl.col("kind") == "baseline") & pl.col("y").is_not_null())
    rows = _beside_baselines(values.filter(pl.col("kind") != "baseline"), baselines)
    d = pl.when("is_tool_metric").then("y").otherwise(pl.col("y") - pl.col("expected"))
    return rows.with_columns(problem=_problem()).with_columns(
        d=pl.when(pl.col("problem").is_null()).then(d)
    )


def _beside_baselines(rows: pl.DataFrame, baselines: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the nearest baselines strictly before and after them, and `expected`, the
    interpolation between the two at the row's own time."""
    by = [*PLACE, "metric"]
    rows = rows.sort("t_s")
    for side, strategy in (("left", "backward"), ("right", "forward")):
        carried = {f"{side}_{name}": name for name in ("t_s", "y", "value", "epoch")}
        rows = rows.join_asof(
            baselines.select(*by, at="t_s", **carried).sort("at"),
            left_on="t_s",
            right_on="at",
            by=by,
            strategy=strategy,  # type: ignore[arg-type]
            allow_exact_matches=False,
            check_sortedness=False,
        ).drop("at", strict=False)
    usual = (
        baselines.sort("t_s")
        .with_columns(spacing_s=pl.col("t_s").diff().over(by))
        .group_by(STRATUM)
        .agg(usual_s=pl.col("spacing_s").median())
    )
    apart_s = pl.col("right_t_s") - pl.col("left_t_s")
    return (
        rows.join(usual, on=STRATUM, how="left", maintain_order="left")
        .with_columns(
            weight=(pl.col("t_s") - pl.col("left_t_s")) / apart_s,
            pause_h=pl.when(apart_s > PAUSE * pl.col("usual_s")).then(apart_s / 3600),
        )
        .drop("usual_s")
        .with_columns(
            expected=pl.col("left_y") + pl.col("weight") * (pl.col("right_y") - pl.col("left_y"))
        )
    )


def _problem() -> pl.Expr:
    """The first reason why a row has no difference; null where it has one."""

    def null(name: str) -> pl.Expr:
        return pl.col(name).is_null()

    of_value = (
        (null("value"), sentence("no_value")),
        (null("y"), sentence("not_positive")),
    )
    of_baselines = (
        (null("t_s"), sentence("no_time")),
        (null("left_y") & null("right_y"), sentence("no_baseline")),
        (null("left_y"), sentence("none_before")),
        (null("right_y"), sentence("none_after")),
        (~null("pause_h"), sentence("pause", pl.col("pause_h").round(1))),
        (pl.col("left_epoch") != pl.col("right_epoch"), sentence("settings_changed")),
    )
    needs_baselines = ~pl.col("is_tool_metric")
    return pl.coalesce(
        *(pl.when(wrong).then(text) for wrong, text in of_value),
        *(pl.when(needs_baselines & wrong).then(text) for wrong, text in of_baselines),
    )
