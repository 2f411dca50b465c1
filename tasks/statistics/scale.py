"""Between the scale effects are computed on and the cost people read. Cost: positive is worse.

Ratio metrics are computed as differences of natural logarithms δ, and read as

    cost % = 100·(e^δ − 1) where less is better,  100·(1 − e^δ) where more is better

Difference metrics are computed and read in the metric's own unit. *Oriented* values are δ with the
sign turned so that positive is worse; all tests are made on them.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..model.metrics import METRICS, Better, Metric, Scale
from .arrays import Floats

NO_BASELINE = ("tool_", "log_")
"""Metrics of the tool itself. A baseline has no tool: its value is 0 by definition, not measured,
so the cost is the value itself and no neighbouring baseline is needed."""


def is_tool_metric(metric: str) -> bool:
    """Whether the metric is of the tool itself, so that its baseline is 0 by definition."""
    return metric.startswith(NO_BASELINE)


def metric_of(effects: pl.DataFrame) -> Metric:
    """The one metric of these rows; any metric where there are none."""
    return METRICS[effects["metric"][0] if len(effects) else next(iter(METRICS))]


def sign(metric: Metric) -> float:
    """+1 where less is better, −1 where more is."""
    return 1.0 if metric.better is Better.LESS else -1.0


def cost_unit(metric: Metric) -> str:
    """Unit of the cost: % for ratio metrics, else the metric's unit."""
    return "%" if metric.scale is Scale.RATIO else metric.unit


def to_cost(delta: Floats, metric: Metric) -> Floats:
    """δ (log ratio or difference, positive = metric larger) as a cost."""
    if metric.scale is Scale.RATIO:
        return sign(metric) * 100.0 * np.expm1(delta)
    return sign(metric) * delta


def from_cost(cost: float, metric: Metric) -> float:
    """The oriented δ of a cost: the inverse of `to_cost`, positive = worse."""
    if metric.scale is Scale.RATIO:
        return sign(metric) * float(np.log1p(sign(metric) * cost / 100.0))
    return cost


def cost_interval(delta: Floats, half: NDArray[np.floating], metric: Metric) -> dict[str, Floats]:
    """`estimate`, `ci_low` and `ci_high`, as costs, of the intervals δ ± half."""
    ends = np.sort([to_cost(delta - half, metric), to_cost(delta + half, metric)], axis=0)
    return {"estimate": to_cost(delta, metric), "ci_low": ends[0], "ci_high": ends[1]}
