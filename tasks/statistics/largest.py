"""The costs of a tool that was measured in several cases, with intervals that allow for picking the
largest of them.

The largest of seventeen harmless cases is noise that was picked: its own interval reaches higher
than that of a tool measured once, although the tool costs no more. Here the cases of one workload
borrow from each other, as far as they agree, before the largest is taken.

Contract, for whoever rates a tool: both functions take the EFFECTS rows of ONE tool, layer,
environment and topic (throughput, latency, packet rate, …), any number of cases and workloads, all
with an interval; rows without one must be left out and counted as missing. `cost_intervals(rows)`
gives each row's interval, in the rows' order: rate by these ends instead of `ci_low` and `ci_high`,
and the worst of them is the worst honest one. `largest_cost(rows)` is the row with the highest
upper end, and the interval of the largest cost: its upper end is to be held against a limit to say
that no case exceeds it, its lower end to say that at least one does. A single row keeps its own
interval.

Model, within one workload (η: oriented δ, positive is worse; s: half its interval over 1.96):

    η̂ᵢ ~ N(ηᵢ, sᵢ²);   ηᵢ ~ N(μ, τ²), or N(μ, τ² + (WIDE·s)²) for a share UNLIKE of the cases

with a flat prior for μ and a half-Cauchy one, of scale s, for τ (Gelman 2006, Bayesian Analysis
1:515). The second part keeps a single costly case from being shrunk into the crowd. A case with
more than twice the error of its peers keeps its own interval: unsteady tools are often the costly
ones.

    high = the largest 97.5 % quantile of any ηᵢ
    low  = the largest lower end of all rows, widened to 1 − 0.025/k for k rows (Bonferroni)

The upper end needs no correction for the number of cases (intersection-union test; Berger 1982,
Technometrics 24:295): it fails only where that of the truly largest does. Simulated with an error
of 1.5 % and a limit of 5 %, in 600 tools: 17 harmless cases are found below the limit in 80 of 100
(by each case's own interval: 13). One costly case among 16 harmless ones is missed in 12 of 100 if
it costs 5.1 %, in 4 at 6 % and in fewer than 1 at 7.5 % (own intervals: below 1): this is the price
of borrowing, and it is paid just above the limit only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import expit, ndtr, ndtri, stdtrit

from ..model.metrics import METRICS, Metric
from .arrays import Floats
from .scale import from_cost, sign, to_cost

UNLIKE = 0.2
"""Share of cases that are expected to be unlike the tool's others in the same workload."""

WIDE = 10.0
"""The spread of such cases, in errors."""

UNSTEADY = 2.0
"""A case with more than so many times the median error of its peers borrows nothing."""

_UPPER = 0.975
_TAUS = np.array([0.05, 0.15, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 4, 8, 16])  # in errors
_STEPS = np.linspace(-4, 4, 9)  # of μ, in its standard deviations

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CostInterval:
    """A cost after borrowing, and its interval, in the unit of the row's cost."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LargestCost:
    """The largest cost among `cases` effects, in the unit of their costs.

    row: the effect with the highest upper end. estimate: its cost, after it borrowed from the
    others. low and high: the 95 % interval of the largest cost of all.
    """

    row: Row
    estimate: float
    low: float
    high: float
    cases: int


def largest_cost(effects: Sequence[Row]) -> LargestCost:
    """The largest cost of these EFFECTS, all with an interval and of one tool and topic.

    Raises ValueError without a row, or where one has no interval.
    """
    intervals = cost_intervals(effects)
    if not intervals:
        raise ValueError("there is no largest of no effects")
    top = max(range(len(intervals)), key=lambda i: intervals[i].high)
    estimate, high = intervals[top].estimate, intervals[top].high
    low = max(interval.low for interval in intervals)
    return LargestCost(effects[top], estimate, min(low, estimate), high, len(effects))


def cost_intervals(effects: Sequence[Row]) -> list[CostInterval]:
    """The interval of each of these EFFECTS, in their order; all of one tool and topic.

    Raises ValueError where a row has no interval.
    """
    if any(row["se_log"] is None for row in effects):
        raise ValueError("an effect without interval has no part in the largest cost")
    if len(effects) == 1:
        (row,) = effects
        return [CostInterval(row["estimate"], row["ci_low"], row["ci_high"])]
    metrics = [METRICS[row["metric"]] for row in effects]
    eta = np.array([sign(m) * row["estimate_log"] for m, row in zip(metrics, effects, strict=True)])
    df = np.array([row["df"] for row in effects], np.float64)
    half = np.array([_half(row, metric) for row, metric in zip(effects, metrics, strict=True)])
    mean, high = eta.copy(), eta + half
    error = half / ndtri(_UPPER)
    for group in _mates(effects, error):
        mates = sorted(group, key=lambda i: (eta[i], error[i]))  # so that rounding has one order
        mean[mates], high[mates] = _borrowed(eta[mates], error[mates])
    wider = stdtrit(df, 1 - (1 - _UPPER) / max(1, len(eta))) / stdtrit(df, _UPPER)
    low = np.minimum(eta - wider * half, mean)
    ends = zip(mean, low, high, metrics, strict=True)
    return [CostInterval(*(_cost(end, metric) for end in each)) for *each, metric in ends]


def _half(row: Row, metric: Metric) -> float:
    """Half the row's own interval, on the scale of δ. It is wider than 95 % where the analysis that
    decided has a smaller error."""
    return (from_cost(row["ci_high"], metric) - from_cost(row["ci_low"], metric)) / 2


def _mates(effects: Sequence[Row], error: Floats) -> list[list[int]]:
    """Indices of the cases that borrow from each other: at least two, of one workload and metric,
    of like error."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(effects):
        groups.setdefault((row["workload"], row["metric"]), []).append(index)
    alike = (
        [i for i in group if error[i] <= UNSTEADY * np.median(error[group])]
        for group in groups.values()
    )
    return [group for group in alike if len(group) > 1]


def _borrowed(eta: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Posterior mean and 97.5 % quantile of each ηᵢ of one workload.

    Integrated over a grid of τ and, for each τ, of μ around its mode.
    """
    unit = float(np.median(s))
    tau2 = (_TAUS[:, None] * unit) ** 2
    narrow, wide = s**2 + tau2, s**2 + tau2 + (WIDE * unit) ** 2  # variances of η̂, (τ, case)
    mu, mu_sd = _modes_of_mu(eta, narrow, wide)
    mus = (mu[:, None] + mu_sd[:, None] * _STEPS)[:, :, None]  # (τ, μ, 1)
    in_crowd = _log_normal(eta - mus, narrow[:, None]) + np.log(1 - UNLIKE)
    apart = _log_normal(eta - mus, wide[:, None]) + np.log(UNLIKE)
    log_weight = np.logaddexp(in_crowd, apart).sum(axis=2) + (_log_prior() + np.log(mu_sd))[:, None]
    weight = np.exp(log_weight - log_weight.max())
    weight = (weight / weight.sum())[:, :, None]
    share = expit(in_crowd - apart)
    # of each ηᵢ, given τ, μ and the part of the mixture: a normal distribution
    parts = [
        (part, eta + (mus - eta) * s**2 / total[:, None], s * np.sqrt(1 - s**2 / total)[:, None])
        for part, total in ((share, narrow), (1 - share, wide))
    ]
    mean = sum((weight * part * m).sum(axis=(0, 1)) for part, m, _ in parts)

    def probability_below(value: Floats) -> Floats:
        below = (weight * part * ndtr((value - m) / sd) for part, m, sd in parts)
        return np.asarray(sum(b.sum(axis=(0, 1)) for b in below))

    low, high = (
        np.full_like(eta, eta.min() - 5 * s.max()),
        np.full_like(eta, eta.max() + 5 * s.max()),
    )
    for _ in range(30):
        middle = (low + high) / 2
        enough = probability_below(middle) >= _UPPER
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.asarray(mean), high


def _modes_of_mu(eta: Floats, narrow: Floats, wide: Floats) -> tuple[Floats, Floats]:
    """For each τ the mode of μ and its standard deviation, by EM from the median."""
    mu = np.full((len(narrow), 1), np.median(eta))
    for _ in range(20):
        odds = _log_normal(eta - mu, narrow) - _log_normal(eta - mu, wide)
        share = expit(odds + np.log((1 - UNLIKE) / UNLIKE))
        precision = share / narrow + (1 - share) / wide
        total = precision.sum(axis=1, keepdims=True)
        mu = (precision * eta).sum(axis=1, keepdims=True) / total
    return mu[:, 0], 1 / np.sqrt(total[:, 0])


def _log_prior() -> Floats:
    """ln of the half-Cauchy probability of the interval around each of `_TAUS`."""
    edges = np.array([0.0, *(np.sqrt(a * b) for a, b in pairwise(_TAUS)), np.inf])
    return np.asarray(np.log(np.diff(np.arctan(edges))))


def _log_normal(deviation: Floats, variance: Floats) -> Floats:
    return np.asarray(-0.5 * np.log(variance) - 0.5 * deviation**2 / variance)


def _cost(eta: float, metric: Metric) -> float:
    return float(to_cost(np.array([sign(metric) * eta]), metric)[0])
