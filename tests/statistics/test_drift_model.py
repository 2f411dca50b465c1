"""Generalised least squares with a drift, held against dense matrices."""

import numpy as np
import pytest
from scipy.linalg import LinAlgError

from tasks.statistics.drift_model import fit_again, fit_drift

RNG = np.random.default_rng(3)
N = 60
T_S = np.cumsum(RNG.uniform(50, 150, N))
SEGMENT = np.repeat([0, 1], [40, 20])
X = np.column_stack([np.arange(N) % 3 == 1, np.arange(N) % 3 == 2, np.ones(N)]).astype(float)
Y = X @ [0.1, -0.2, 5.0] + np.cumsum(RNG.normal(0, 0.01, N)) + RNG.normal(0, 0.02, N)
EQUAL = np.ones(N)
W = RNG.uniform(0.2, 2.0, N)


def dense(log_ratio: float, log_tau: float, w: np.ndarray) -> np.ndarray:
    """K as a matrix, from its definition."""
    together = SEGMENT[:, None] == SEGMENT
    correlation = np.exp(-np.abs(T_S[:, None] - T_S) / np.exp(log_tau)) * together
    return np.asarray(np.diag(1 / w) + np.exp(log_ratio) * correlation)


def test_estimates_and_their_covariance_are_those_of_generalised_least_squares() -> None:
    plain = fit_drift(T_S, Y, X, SEGMENT, EQUAL)
    fit = fit_again(T_S, Y, X, SEGMENT, W, plain)
    inverse = np.linalg.inv(dense(plain.log_ratio, plain.log_tau, W))
    covariance = np.linalg.inv(X.T @ inverse @ X)
    assert fit.covariance == pytest.approx(covariance)
    assert fit.beta == pytest.approx(covariance @ X.T @ inverse @ Y)


def test_what_is_left_out_is_the_value_minus_what_the_others_let_expect() -> None:
    plain = fit_drift(T_S, Y, X, SEGMENT, EQUAL)
    fit = fit_again(T_S, Y, X, SEGMENT, W, plain)
    k = dense(plain.log_ratio, plain.log_tau, W)
    residual = Y - X @ fit.beta
    for i in (0, 17, 39, 40, 59):
        others = np.arange(N) != i
        drift = k[i, others] @ np.linalg.solve(k[np.ix_(others, others)], residual[others])
        assert fit.left_out[i] == pytest.approx(residual[i] - drift)


def test_the_spread_of_what_is_left_out_follows_from_the_covariance_of_the_values() -> None:
    plain = fit_drift(T_S, Y, X, SEGMENT, EQUAL)
    k = dense(plain.log_ratio, plain.log_tau, np.ones(N))
    inverse = np.linalg.inv(k)
    left_out = np.diag(1 / np.diag(inverse)) @ (
        inverse - inverse @ X @ np.linalg.inv(X.T @ inverse @ X) @ X.T @ inverse
    )
    assert plain.spread == pytest.approx(np.diag(left_out @ k @ left_out.T))


def test_drift_and_noise_are_told_apart() -> None:
    ratios = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        t_s = np.arange(600.0) * 90
        drift = np.linalg.cholesky(np.exp(-np.abs(t_s[:, None] - t_s) / 1500)) @ rng.normal(
            size=600
        )
        y = 0.02 * drift + 0.01 * rng.normal(size=600)
        fit = fit_drift(t_s, y, np.ones((600, 1)), np.zeros(600), np.ones(600))
        ratios.append((fit.log_ratio, fit.log_tau))
    assert np.mean(ratios, axis=0) == pytest.approx([np.log(4), np.log(1500)], abs=0.25)


def test_values_without_spread_or_at_one_time_cannot_be_fitted() -> None:
    with pytest.raises(LinAlgError):
        fit_drift(T_S, np.ones(N), X, SEGMENT, EQUAL)
    with pytest.raises(LinAlgError):
        fit_drift(np.zeros(N), Y, X, SEGMENT, EQUAL)
