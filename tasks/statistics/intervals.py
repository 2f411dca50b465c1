"""From estimates to intervals: variances shared within a workload, unsteady tools told apart.

A case's variance is moderated with those of the other cases of its workload and metric. With three
iterations a tool that makes the traffic unsteady may look steady by chance, once in seven if its SD
is four times theirs. Its other workloads tell: they are measured independently, so the variances of
a case's primary metrics, each relative to its peers, are also judged together.
"""

from functools import partial

import numpy as np
import polars as pl
from scipy.special import stdtrit

from ..storage.schema import CASE_KEY, STRATUM
from .arrays import Floats, by_group, columns, floats
from .decision_rules import DecisionRules
from .moderated import fit_prior, moderate
from .scale import cost_interval, metric_of, to_cost

_ALIKE = (*STRATUM, "several")
_OF_CASE = (*CASE_KEY, "several")


def with_intervals(effects: pl.DataFrame, rules: DecisionRules) -> pl.DataFrame:
    """Adds estimate, ci_low, ci_high, se_log and df; hodges_lehmann becomes a cost.

    effects: n, variance, estimate_log, hodges_lehmann, primary, and `several`, whether n counts
    nights.
    """
    relative = by_group(effects, _ALIKE, _with_relative_variance)
    d = pl.when(pl.col("primary") & pl.col("relative").is_not_null()).then(pl.col("n") - 1)
    total = d.sum().over(_OF_CASE)
    ratio = (d * pl.col("relative")).sum().over(_OF_CASE) / total
    pooled = relative.with_columns(
        case_d=pl.when(d.is_not_null()).then(total), case_ratio=pl.when(d.is_not_null()).then(ratio)
    )
    found = by_group(pooled, _ALIKE, partial(_with_interval, tail=rules.interval_tail))
    return found.drop("relative", "case_d", "case_ratio")


def _with_relative_variance(alike: pl.DataFrame) -> pl.DataFrame:
    """Adds `relative`: the variance over the common one of these rows; null where unknown."""
    n, s2 = floats(alike, "n", "variance")
    known = np.isfinite(s2)
    prior = fit_prior(s2[known], n[known] - 1)
    common = prior.s0_squared if prior.d0 > 0 else np.nan
    return alike.with_columns(columns({"relative": s2 / common}))


def _with_interval(alike: pl.DataFrame, tail: float) -> pl.DataFrame:
    """Adds the moderated interval and what follows from it; the rows are one stratum's."""
    metric = metric_of(alike)
    delta, median, n = floats(alike, "estimate_log", "hodges_lehmann", "n")
    variance, df = _moderated(alike)
    se = np.sqrt(variance / n)
    return alike.with_columns(
        columns(
            cost_interval(delta, stdtrit(df, 1 - tail) * se, metric)
            | {"se_log": se, "df": df, "hodges_lehmann": to_cost(median, metric)}
        )
    )


def _moderated(alike: pl.DataFrame) -> tuple[Floats, Floats]:
    """Variances and degrees of freedom where the spread is known; NaN elsewhere.

    A variance of exactly 0 that could borrow nothing says nothing about the spread.
    """
    s2, n, ratio, d = floats(alike, "variance", "n", "case_ratio", "case_d")
    variance, df = np.full_like(s2, np.nan), np.full_like(s2, np.nan)
    known = np.isfinite(s2)
    if known.any():
        variance[known], df[known] = moderate(s2[known], n[known] - 1, ratio[known], d[known])
    unknown = ~(variance > 0)
    variance[unknown] = df[unknown] = np.nan
    return variance, df
