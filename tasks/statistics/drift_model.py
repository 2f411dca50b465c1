"""A linear model whose errors drift: y = Xβ + u(t) + ε, fitted by generalised least squares.

    u  an Ornstein–Uhlenbeck process: variance λσ², correlation exp(−Δt/τ); independent segments
    ε  independent noise of variance σ²/w, with a weight w for each value

λ and τ maximise the restricted likelihood (REML; Patterson & Thompson 1971, Biometrika 58:545). In
time order the inverse of u's covariance is tridiagonal, so every solve takes O(n) (Rue & Held 2005,
Gaussian Markov Random Fields, section 2.6).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, cho_solve_banded, cholesky_banded
from scipy.optimize import minimize

from .arrays import Floats

_RATIO = (np.log(1e-3), np.log(150.0))
"""Limits of ln λ: from no drift to hardly any noise."""

_START_RATIO = 1.0
_TOLERANCE = 0.1  # of ln λ and ln τ: a better fit changes no estimate
_MOST_STEPS = 60


@dataclass(frozen=True, slots=True)
class DriftFit:
    """One fit. `covariance` is (XᵀK⁻¹X)⁻¹, in units of σ², K the covariance of the errors in them.

    left_out: each value minus what the model says of it by β and the drift that the other values
    show; its variance in units of σ² is `variance` if β is known, `spread` as β is estimated.
    """

    beta: Floats
    covariance: Floats
    left_out: Floats
    variance: Floats
    spread: Floats
    s2: float
    log_ratio: float
    log_tau: float


def fit_drift(t_s: Floats, y: Floats, x: Floats, segment: Floats, w: Floats) -> DriftFit:
    """The fit, λ and τ included. t_s increases within a segment (seconds); x is n × p, of full
    rank. Raises LinAlgError where the model cannot be fitted."""
    step_s, length_s = float(np.median(np.diff(t_s))), float(t_s[-1] - t_s[0])
    if not step_s > 0:
        raise LinAlgError("values at one time")
    limits = np.array([_RATIO, (np.log(step_s / 3), np.log(length_s))])

    def minus_2_log_likelihood(at: Floats) -> float:
        inside = np.clip(at, *limits.T)
        outside = float(np.abs(at - inside).sum())
        return _Gls(t_s, y, x, segment, w, *inside).deviance + 10 * outside

    middle = limits[1].mean()
    simplex = [(np.log(_START_RATIO) + a, middle + b) for a, b in ((0, 0), (1.5, 0), (0, -1))]
    found = minimize(
        minus_2_log_likelihood,
        simplex[0],
        method="Nelder-Mead",
        options={
            "initial_simplex": simplex,
            "xatol": _TOLERANCE,
            "fatol": _TOLERANCE,
            "maxfev": _MOST_STEPS,
        },
    )
    return _Gls(t_s, y, x, segment, w, *np.clip(found.x, *limits.T)).fit()


def fit_again(
    t_s: Floats, y: Floats, x: Floats, segment: Floats, w: Floats, fit: DriftFit
) -> DriftFit:
    """The fit with weights w and the drift of `fit`."""
    return _Gls(t_s, y, x, segment, w, fit.log_ratio, fit.log_tau).fit()


class _Gls:
    """Generalised least squares with given λ and τ.

    K = diag(1/w) + λR. With T = R⁻¹, tridiagonal, and A = T/λ + diag(w):  K⁻¹ = W − W A⁻¹ W.
    """

    def __init__(
        self,
        t_s: Floats,
        y: Floats,
        x: Floats,
        segment: Floats,
        w: Floats,
        log_ratio: float,
        log_tau: float,
    ) -> None:
        self._w, self._at = w, (log_ratio, log_tau)
        ratio, tau_s = np.exp(log_ratio), np.exp(log_tau)
        rho = np.exp(-np.maximum(np.diff(t_s), 1e-3) / tau_s)
        rho[segment[1:] != segment[:-1]] = 0.0
        given_previous = 1 - rho**2  # variance of u given the u before it, over λ
        diagonal = np.ones_like(y)
        diagonal[1:] = 1 / given_previous
        diagonal[:-1] += rho**2 / given_previous
        banded = np.zeros((2, len(y)))
        banded[0] = diagonal / ratio + w
        banded[1, :-1] = -rho / given_previous / ratio
        self._factor = cholesky_banded(banded, lower=True, check_finite=False)
        solve = self._solver()
        self._k_x = solve(x)
        self._normal = cho_factor(x.T @ self._k_x, lower=True, check_finite=False)
        self._beta = cho_solve(self._normal, self._k_x.T @ y)
        residual = y - x @ self._beta
        self._k_residual = solve(residual)
        degrees = len(y) - x.shape[1]
        self._s2 = float(residual @ self._k_residual) / degrees
        if not self._s2 > 0:
            raise LinAlgError("no spread")
        log_det = 2 * np.log(self._factor[0]).sum() + len(y) * log_ratio
        log_det += np.log(given_previous).sum() - np.log(w).sum()
        log_det += 2 * np.log(np.diag(self._normal[0])).sum()
        self.deviance = float(log_det + degrees * np.log(self._s2))

    def _solver(self) -> Callable[[Floats], Floats]:
        def solve(b: Floats) -> Floats:
            """K⁻¹b."""
            weighted = (self._w * b.T).T
            inner = cho_solve_banded((self._factor, True), weighted, check_finite=False)
            return np.asarray(weighted - (self._w * inner.T).T)

        return solve

    def fit(self) -> DriftFit:
        of_inverse = self._w - self._w**2 * _diagonal_of_inverse(self._factor)
        inverse_of_normal = cho_solve(self._normal, np.eye(len(self._beta)))
        projected = of_inverse - np.einsum(
            "ij,jk,ik->i", self._k_x, inverse_of_normal, self._k_x, optimize=True
        )
        return DriftFit(
            beta=self._beta,
            covariance=inverse_of_normal,
            left_out=self._k_residual / of_inverse,
            variance=1 / of_inverse,
            spread=np.maximum(projected, 0.0) / of_inverse**2,  # 0: the only value of its case
            s2=self._s2,
            log_ratio=self._at[0],
            log_tau=self._at[1],
        )


def _diagonal_of_inverse(factor: Floats) -> Floats:
    """The diagonal of (L·Lᵀ)⁻¹, L bidiagonal: backwards, each element follows from the next."""
    own, below = 1 / factor[0] ** 2, (factor[1] / factor[0]) ** 2
    diagonal = own.copy()
    for i in range(len(own) - 2, -1, -1):
        diagonal[i] += below[i] * diagonal[i + 1]
    return np.asarray(diagonal)
