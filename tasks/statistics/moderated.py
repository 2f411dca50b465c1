"""Few iterations, many cases: variances that borrow strength from each other.

The moderated t of Smyth (2004), Stat. Appl. Genet. Mol. Biol. 3(1):3. The cases of one workload and
metric are measured in one place by one program, so their variances are alike; each is shrunk
towards their common value, the more the better they agree. A case that is far noisier than the
others keeps its own variance: shrunk towards theirs, the 95 % interval of a tool with twice their
SD would cover its cost 78 times in 100 (n = 4), and such tools are the expensive ones.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, fdtri, polygamma

from .arrays import Floats

_FLOOR = 1e-5  # of the median variance: without any spread, ln s² would be infinite
_MANY = 1e10  # degrees of freedom that stand for infinitely many

ALIKE = 0.90
"""A variance above this quantile of the others' distribution stays its case's own."""


@dataclass(frozen=True, slots=True)
class Prior:
    """The common variance s₀² on d₀ degrees of freedom (infinite: all variances are equal)."""

    d0: float
    s0_squared: float


def fit_prior(s2: Floats, d: Floats) -> Prior:
    """d₀ and s₀² from sample variances s² on d degrees of freedom each (d ≥ 1).

    Smyth (2004) section 6.2, by moments of ln s²:

        e = ln s² − ψ(d/2) + ln(d/2);  ψ′(d₀/2) = var(e) − mean ψ′(d/2)
        s₀² = exp(ē + ψ(d₀/2) − ln(d₀/2))

    Variances of 0 are raised to 1e-5 of the median, as in limma. A single variance has nothing to
    borrow from, and neither has a majority of zeros: d₀ = 0.
    """
    if len(s2) < 2 or not (median := float(np.median(s2))) > 0:
        return Prior(0.0, 0.0)
    e = np.log(np.maximum(s2, _FLOOR * median)) - digamma(d / 2) + np.log(d / 2)
    excess = float(np.var(e, ddof=1) - np.mean(polygamma(1, d / 2)))
    mean = float(np.mean(e))
    if excess <= 0:
        return Prior(np.inf, float(np.exp(mean)))
    half = _trigamma_inverse(excess)
    return Prior(2 * half, float(np.exp(mean + digamma(half) - np.log(half))))


def moderate(
    s2: Floats, d: Floats, case_ratio: Floats | None = None, case_d: Floats | None = None
) -> tuple[Floats, Floats]:
    """The moderated variances s̃² and their degrees of freedom.

        s̃² = (d₀·s₀² + d·s²)/(d₀ + d)  on d₀ + d,  at most Σd, degrees of freedom
        s̃² = s²                        on d   where s² > s₀²·F(0.90; d, d₀)
        s̃² = s₀²·R                     on D   else where R > F(0.90; D, d₀)

    case_ratio R, case_d D: the mean s²/s₀² of all workloads of the case, and its degrees of
    freedom; NaN where there is none.

    The limit Σd is limma's: all cells together have no more information than that. Without it a
    small lab, where d₀ is often estimated as infinite, would get intervals that are too narrow. The
    other lines are for cases noisier than their peers (the subject of robust empirical Bayes;
    Phipson et al. 2016, Ann. Appl. Stat. 10:946): by chance each applies to one in ten equal cases,
    whose interval is then wider than necessary.
    """
    prior = fit_prior(s2, d)
    if np.isinf(prior.d0):
        variance = np.full_like(s2, prior.s0_squared)
    else:
        variance = (prior.d0 * prior.s0_squared + d * s2) / (prior.d0 + d)
    df = np.minimum(prior.d0 + d, np.sum(d))
    if prior.d0 > 0:
        d0 = min(prior.d0, _MANY)
        if case_ratio is not None and case_d is not None:
            unsteady = case_ratio > fdtri(case_d, d0, ALIKE)
            variance = np.where(unsteady, prior.s0_squared * case_ratio, variance)
            df = np.where(unsteady, case_d, df)
        own = s2 > prior.s0_squared * fdtri(d, d0, ALIKE)
        variance, df = np.where(own, s2, variance), np.where(own, d, df)
    return variance, df


def _trigamma_inverse(y: float) -> float:
    """x > 0 with ψ′(x) = y, for y > 0. Since 1/x < ψ′(x) < 1/x + 1/x², the bracket holds x."""
    low, high = 1 / y, 1 / y + 1 / np.sqrt(y) + 1
    return float(brentq(lambda x: float(polygamma(1, x)) - y, low, high, xtol=1e-14, rtol=1e-14))
