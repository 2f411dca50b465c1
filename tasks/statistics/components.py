"""Where the variance of a cost comes from: seconds, windows, attaches, nights.

Repetition at one level does not cure what varies at the level above it (Kalibera & Jones 2013,
ISMM): a longer window averages seconds, one more iteration averages windows and attaches too, and
only another night averages nights. All variances are those of one difference d on the scale of the
effects, estimated from what is stored:

    seconds   of the mean of w seconds: S/w, with S from the two halves of each window of m seconds,
              S = m/4·E(h₁ − h₂)² (the halves hold slow fluctuation too, which a one-second variance
              would miss)
    windows   what longer windows do not cure: var(d) − 1.15·S/w (`OF_DIFFERENCE`)
    attaches  what a case has and a baseline has not: var(d) − 1.15·v, with v from the residuals of
              baselines between their neighbours (1.5·v)
    nights    of δ̂ between runs, beyond the errors of δ̂ within them

A component that comes out negative is 0; one that nothing stored tells of is null. Attaches and
windows are told apart only roughly: drift is in both.
"""

import polars as pl

from ..storage.schema import CELLS
from .baselines import MAD_TO_SD, residuals

OF_DIFFERENCE = 1.15
"""Variance of a difference over that of one cell: 1, and what the joint model does not know of the
drift (0.02 to 0.25 in simulations; 0.6 where two baselines are interpolated)."""

OF_RESIDUAL = 1.5
"""The same for a baseline in the middle between its two neighbours."""

_MEDIAN_OF_CHI2 = 0.4549
"""Median of χ² on one degree of freedom: a robust mean square is the median over it."""

_OF_MEDIAN = 1.2533  # standard error of a median over that of a mean

_MIN_POINTS = 4  # seconds in a window of which two halves are compared
_SERIES = "load_bps"
_PLACE = ("layer", "workload")


def components(
    cells: pl.DataFrame, intervals: pl.DataFrame, effects: pl.DataFrame, baselines: pl.DataFrame
) -> pl.DataFrame:
    """Variance components of each layer, workload and metric of one environment's stored runs.

    cells, intervals, effects: those tables; baselines: `baselines.baseline_series` of these runs.
    The spread is that of the last run; S and the nights are estimated from all runs. Columns:
    layer, workload, metric, `window_s`, `prior_df`, and the variances of one difference: `total`,
    its parts `seconds` and `windows`, the part `attaches` of the latter, and `nights`.
    """
    known = effects.filter(pl.col("primary"), pl.col("se_log").is_not_null())
    last = cells.filter(pl.col("started") == pl.col("started").max())["run"].head(1)
    of_last = pl.col("run").is_in(last.implode())
    total = (
        known.filter(of_last)
        .group_by(*_PLACE, "metric", maintain_order=True)
        .agg(
            total=(pl.col("se_log") ** 2 * pl.col("n")).median(),
            prior_df=(pl.col("df") - (pl.col("n") - 1)).median(),
        )
    )
    passed = cells.filter(of_last, pl.col("status") == "passed")
    window = passed.group_by(_PLACE).agg(pl.col("window_s").median())
    parts = (
        (window, _PLACE),
        (_per_second(intervals), _PLACE),
        (_of_cell(baselines), (*_PLACE, "metric")),
        (_nights(known), (*_PLACE, "metric")),
    )
    found = total
    for part, on in parts:
        found = found.join(part, on=on, how="left", maintain_order="left")
    seconds = OF_DIFFERENCE * pl.col("per_second") / pl.col("window_s")
    attaches = pl.col("total") - OF_DIFFERENCE * pl.col("of_cell")
    return (
        found.with_columns(
            seconds=pl.when(seconds.is_not_null()).then(pl.min_horizontal(seconds, "total")),
            attaches=attaches.clip(0.0),
        )
        .with_columns(windows=pl.col("total") - pl.col("seconds"))
        .select(
            *_PLACE, "metric", "window_s", "prior_df",
            "total", "seconds", "windows", "attaches", "nights",
        )
    )  # fmt: skip


def variance_in(total: float, seconds: float | None, measured_s: float, window_s: float) -> float:
    """The variance of a difference in windows of another length than the measured ones.

    Where the part of the seconds is not known, shorter windows are taken to be noisier as if all of
    the variance came from it, and longer ones to be no better.
    """
    stretch = measured_s / window_s
    if seconds is None:
        return total * max(1.0, stretch)
    return total - seconds + seconds * stretch


def settling_s(intervals: pl.DataFrame, least: float = 0.005) -> pl.DataFrame:
    """`layer`, `workload`, `settling_s`: seconds at the start of a window in which the load had not
    settled: the median over its cells differs from the window's second half by more than `least`
    (natural logarithm) and by more than three errors of that median. At most the first half.
    """
    points = _points(intervals)
    late = pl.col("y").filter(pl.col("place") * 2 >= pl.col("points")).mean()
    early = points.with_columns(late=late.over(CELLS.key)).filter(
        pl.col("place") * 2 < pl.col("points")
    )
    apart = pl.col("y") - pl.col("late")
    spread = MAD_TO_SD * (apart - apart.median()).abs().median()
    off = early.group_by(*_PLACE, "place").agg(
        off=apart.median().abs(), error=_OF_MEDIAN * spread / pl.len().sqrt()
    )
    unsettled = (pl.col("off") > least) & (pl.col("off") > 3 * pl.col("error"))
    return (
        off.sort("place")
        .group_by(_PLACE, maintain_order=True)
        .agg(settling_s=unsettled.cast(pl.Int64).cum_prod().sum())
    )


def _points(intervals: pl.DataFrame) -> pl.DataFrame:
    """The load's seconds as `y` (natural logarithm), with their `place` in the window, from 0, and
    the number of `points` that it has."""
    rows = intervals.filter(pl.col("series") == _SERIES, pl.col("value") > 0).sort("t_s")
    return rows.with_columns(
        y=pl.col("value").log(),
        place=pl.int_range(pl.len()).over(CELLS.key),
        points=pl.len().over(CELLS.key),
    ).filter(pl.col("points") >= _MIN_POINTS)


def _per_second(intervals: pl.DataFrame) -> pl.DataFrame:
    """`per_second`: S, of which S/w is the variance of the mean of w seconds."""
    half = pl.col("points") // 2
    first, second = pl.col("place") < half, pl.col("place") >= pl.col("points") - half
    halves = (
        _points(intervals)
        .group_by(CELLS.key)
        .agg(
            pl.col("points").first(),
            apart=pl.col("y").filter(second).mean() - pl.col("y").filter(first).mean(),
        )
    )
    squared = pl.col("points") / 4 * pl.col("apart") ** 2
    return halves.group_by(_PLACE).agg(per_second=squared.median() / _MEDIAN_OF_CHI2)


def _of_cell(baselines: pl.DataFrame) -> pl.DataFrame:
    """`of_cell`: the variance of one baseline, from its residual between its two neighbours."""
    y = residuals(baselines, "y").with_columns(squared=pl.col("y_residual") ** 2)
    of_cell = pl.col("squared").median() / _MEDIAN_OF_CHI2 / OF_RESIDUAL
    return y.group_by(*_PLACE, "metric").agg(of_cell=of_cell)


def _nights(effects: pl.DataFrame) -> pl.DataFrame:
    """`nights`: the variance of δ̂ between runs, less that within them; null with a single run."""
    cases = effects.group_by(*_PLACE, "metric", "case").agg(
        between=pl.col("estimate_log").var(ddof=1), within=(pl.col("se_log") ** 2).mean()
    )
    excess = (pl.col("between") - pl.col("within")).mean().clip(0.0)
    return cases.drop_nulls("between").group_by(*_PLACE, "metric").agg(nights=excess)
