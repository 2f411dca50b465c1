"""A simulated host fitted to real runs, so that the simulator can be checked against a lab."""

import numpy as np
from scipy.optimize import least_squares
from scipy.signal import medfilt
from scipy.stats import median_abs_deviation

from tasks.statistics.arrays import Floats
from tasks.statistics.simulate import SimulatedHost


def fitted_host(elapsed_s: Floats, y: Floats) -> SimulatedHost:
    """The simulated host whose runs without a tool give `y` (log values) at these times, in order.

    Outliers are runs more than 4 scaled MAD off the median of the five around them. For the others,
    noise and drift come from the variogram (Matheron 1963, Economic Geology 58:1246): half the mean
    squared difference of two runs h s apart is run_sd² + drift_sd²·(1 − e^(−h/τ)), fitted over lags
    up to half the series. Raises ValueError below 20 runs.
    """
    if len(y) < 20:
        raise ValueError(f"{len(y)} runs are too few to fit drift; expected at least 20")
    residual = y - medfilt(y, 5)
    off = np.abs(residual) > 4 * median_abs_deviation(residual, scale="normal")
    lag_s, gamma = _variogram(elapsed_s[~off], y[~off])
    spread = float(np.std(y[~off]))

    def misfit(parameters: Floats) -> Floats:
        run_sd, drift_sd, tau_s = np.exp(parameters)
        model = run_sd**2 + drift_sd**2 * -np.expm1(-lag_s / tau_s)
        return np.asarray(gamma / model - 1)

    span_s = float(elapsed_s[-1] - elapsed_s[0])
    start = np.log([spread, spread, span_s / 10])
    low = np.log([spread / 100, spread / 100, lag_s[0]])
    high = np.log([spread * 3, spread * 3, span_s])
    run_sd, drift_sd, tau_s = np.exp(least_squares(misfit, start, bounds=(low, high)).x)
    return SimulatedHost(
        run_sd=float(run_sd),
        drift_sd=float(drift_sd),
        tau_s=float(tau_s),
        outlier_rate=float(np.mean(off)),
        outlier_size=float(np.mean(np.abs(residual[off]))) if off.any() else 0.0,
        level_bps=float(np.exp(np.median(y))),
    )


def _variogram(elapsed_s: Floats, y: Floats, lags: int = 12) -> tuple[Floats, Floats]:
    """Mean lag (s) and half the mean squared difference, by lag; lags in equal steps of its log."""
    first, second = np.triu_indices(len(y), 1)
    lag_s = elapsed_s[second] - elapsed_s[first]
    squared = (y[second] - y[first]) ** 2 / 2
    edges = np.geomspace(np.median(np.diff(elapsed_s)), (elapsed_s[-1] - elapsed_s[0]) / 2, lags)
    place = np.searchsorted(edges, lag_s)
    rows = [place == lag for lag in range(lags) if (place == lag).any()]
    return (
        np.array([lag_s[row].mean() for row in rows]),
        np.array([squared[row].mean() for row in rows]),
    )
