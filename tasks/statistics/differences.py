"""One difference per cell: a case's value against the interpolation of its two baselines.

    d = y_tool − [(1 − w)·y_L + w·y_R],   w = (t − t_L)/(t_R − t_L),   y = ln(value) or the value

L and R are the nearest passed baselines before and after, of the same workload in the same
iteration and layer; t is the middle of the window. This takes the drift of a night out of the
comparison as far as it is linear between two baselines. Baselines with a pause between them (a
night that ended, a run that was gone on with) are no neighbours: nothing is known of the drift.
"""

import polars as pl

from ..model.errors import DatasetError
from ..model.metrics import METRICS, Scale
from .scale import is_tool_metric

PLACE = ("environment", "run", "layer", "iteration", "workload")
CELL = (*PLACE, "position", "attempt")
TOOL = ("kind", "tool", "tool_class", "category", "protocol", "direction")

_METRICS = pl.DataFrame(
    {
        "metric": list(METRICS),
        "is_ratio": [m.scale is Scale.RATIO for m in METRICS.values()],
        "is_tool_metric": [is_tool_metric(name) for name in METRICS],
    }
)
PAUSE = 4.0
"""So many times the usual time between two baselines is a pause; some between may have failed."""

_MIDDLE = pl.col("started") + (pl.col("ended") - pl.col("started")) / 2


def cell_values(cells: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Every value of the passed cells that count, one row per cell and metric.

    Of a case's cell only the highest attempt counts; of baselines every passed one does, since each
    is a true value at its own time. Adds `t_s` (middle of the window, epoch seconds) and `y` (the
    logarithm for ratio metrics; null where the value is missing or has none). Raises
    `DatasetError` where a cell has two values of one metric.
    """
    values = samples.join(_METRICS, on="metric").select(
        *CELL,
        "metric",
        "is_ratio",
        "is_tool_metric",
        pl.when(pl.col("value").is_finite()).then("value").alias("value"),
    )
    if values.select(*CELL, "metric").is_duplicated().any():
        raise DatasetError("samples: a cell has two values of one metric; one scalar is expected")
    positive = pl.when(pl.col("value") > 0).then("value")
    return (
        counting(cells)
        .filter(pl.col("status") == "passed")
        .with_columns(t_s=_MIDDLE.dt.epoch("us") / 1e6)
        .join(values, on=CELL)
        .with_columns(y=pl.when("is_ratio").then(positive.log()).otherwise("value"))
    )


def counting(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells that speak for their case: the highest attempt of each; all of the baselines."""
    last = pl.col("attempt") == pl.col("attempt").max().over(*PLACE, "case")
    return cells.filter((pl.col("kind") == "baseline") | last)


def differences(values: pl.DataFrame) -> pl.DataFrame:
    """`cell_values` of tools and placebos against their baselines.

    Adds the neighbours' `left_y`, `right_y`, `left_value`, `right_value`, `weight`, `d` (null where
    it cannot be had) and `problem` (why it is null, in words).
    """
    neighbours = interpolated(values.filter(pl.col("kind") != "baseline"), values)
    return neighbours.with_columns(problem=_PROBLEM).with_columns(
        d=pl.when(pl.col("problem").is_null()).then(
            pl.when("is_tool_metric").then(pl.col("y")).otherwise(pl.col("y") - pl.col("expected"))
        )
    )


def interpolated(rows: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """`rows` beside the nearest baselines strictly before and after them, and `expected`, the
    interpolation between the two at the row's own time."""
    by = [*PLACE, "metric"]
    base = values.filter((pl.col("kind") == "baseline") & pl.col("y").is_not_null())
    carried = {"t_s": "t_s", "y": "y", "value": "value", "epoch": "epoch"}
    rows = rows.sort("t_s")
    for side, strategy in (("left", "backward"), ("right", "forward")):
        named = base.select(*by, at="t_s", **{f"{side}_{k}": v for k, v in carried.items()})
        rows = rows.join_asof(
            named.sort("at"),
            left_on="t_s",
            right_on="at",
            by=by,
            strategy=strategy,  # type: ignore[arg-type]
            allow_exact_matches=False,
            check_sortedness=False,
        ).drop("at", strict=False)
    apart_s = pl.col("right_t_s") - pl.col("left_t_s")
    return (
        rows.join(_usual_spacing(base), on=_WHERE, how="left", maintain_order="left")
        .with_columns(
            weight=(pl.col("t_s") - pl.col("left_t_s")) / apart_s,
            pause_h=pl.when(apart_s > PAUSE * pl.col("usual_s")).then(apart_s / 3600),
        )
        .drop("usual_s")
        .with_columns(
            expected=pl.col("left_y") + pl.col("weight") * (pl.col("right_y") - pl.col("left_y"))
        )
    )


_WHERE = ("environment", "run", "layer", "workload", "metric")


def _usual_spacing(base: pl.DataFrame) -> pl.DataFrame:
    """_WHERE and `usual_s`, the median time between two baselines of one iteration."""
    return (
        base.sort("t_s")
        .with_columns(spacing_s=pl.col("t_s").diff().over(*PLACE, "metric"))
        .group_by(_WHERE)
        .agg(usual_s=pl.col("spacing_s").median())
    )


_PROBLEM = (
    pl.when(pl.col("value").is_null())
    .then(pl.lit("no value of this metric"))
    .when(pl.col("y").is_null())
    .then(pl.lit("value not above 0: no logarithm"))
    .when(pl.col("is_tool_metric"))
    .then(None)
    .when(pl.col("t_s").is_null())
    .then(pl.lit("time of the window unknown"))
    .when(pl.col("left_y").is_null() & pl.col("right_y").is_null())
    .then(pl.lit("no baseline of this workload"))
    .when(pl.col("left_y").is_null())
    .then(pl.lit("no baseline before it"))
    .when(pl.col("right_y").is_null())
    .then(pl.lit("no baseline after it"))
    .when(pl.col("pause_h").is_not_null())
    .then(pl.format("a pause of {} h between its baselines", pl.col("pause_h").round(1)))
    .when(pl.col("left_epoch") != pl.col("right_epoch"))
    .then(pl.lit("kernel or NIC settings changed between its baselines"))
)
