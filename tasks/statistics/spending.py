"""Group-sequential levels: an error of 5 % spread exactly over several analyses of growing data.

Analyses of one campaign share their data, so they err together more often than independent tests:
equal parts of the error for each (Bonferroni) leave a good part of it unused. The levels here use
all of it (Lan and DeMets 1983, Biometrika 70:659). With S(t) a Brownian motion, t the share of the
iterations, and z_k the critical values:

    P(S(t₁) < z₁√t₁, …, S(t_{k−1}) < z_{k−1}√t_{k−1}, S(t_k) ≥ z_k√t_k) = α(t_k) − α(t_{k−1})

The level of analysis k is P(Z ≥ z_k); a t test at that level keeps it with few iterations
(Jennison and Turnbull 1999, ch. 11). Analyses need not be those that were planned.

α(t) = α·ln(1 + (e − 1)t) spends early, much as Pocock's test does. O'Brien and Fleming's function
spends nearly all of it at the end: the campaigns here decide most of what they measure at the first
analysis, and would take a third more iterations with it.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import norm

from .arrays import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)
_FAR = 9.0  # standard deviations that stand for infinity


def spent_early(alpha: float, share: float) -> float:
    """α(t): the error spent when this share of the iterations has been analysed."""
    return float(alpha * np.log1p((np.e - 1) * share))


@lru_cache
def levels(alpha: float, shares: tuple[float, ...]) -> tuple[float, ...]:
    """The one-sided level of each analysis; `shares` of the iterations increase, up to 1."""
    return levels_of([spent_early(alpha, share) for share in shares], shares)


def levels_of(spent: Sequence[float], shares: Sequence[float]) -> tuple[float, ...]:
    """The levels that spend this much error until each analysis.

    By recursive integration (Armitage, McPherson and Rowe 1969, J. R. Stat. Soc. A 132:235): `at`
    and `mass` are the distribution of S where no analysis has decided yet.
    """
    found: list[float] = []
    at, mass, before, spent_before = np.zeros(1), np.ones(1), 0.0, 0.0
    for total, share in zip(spent, shares, strict=True):
        scale, step = np.sqrt(share), np.sqrt(share - before)
        state = (at, mass, scale, step, total - spent_before)
        z = brentq(_excess, -_FAR, _FAR, args=state, xtol=1e-12)
        found.append(float(ndtr(-z)))
        half = (z + _FAR) * scale / 2
        points = z * scale - half + half * _NODES
        density = norm.pdf(points[:, None], at, step) @ mass
        at, mass, before, spent_before = points, half * _WEIGHTS * density, share, total
    return tuple(found)


def _excess(z: float, at: Floats, mass: Floats, scale: float, step: float, now: float) -> float:
    """The probability that S crosses z·√t in this step, less what is to be spent in it."""
    return float(mass @ ndtr((at - z * scale) / step)) - now
