"""A host fitted to simulated runs is the host that was simulated."""

import numpy as np
import pytest

from tasks.statistics.arrays import Floats
from tasks.statistics.simulate import Schedule, SimulatedHost, log_values

from .fitted_host import fitted_host


def runs(host: SimulatedHost, n: int, seed: int) -> Floats:
    """Log values of `n` runs that cost nothing."""
    schedule = Schedule((1,) * n, tuple(range(n)), ("baseline",) * n)
    return log_values(schedule, {}, host, np.random.default_rng(seed))


def test_fitting_simulated_runs_recovers_the_simulated_host() -> None:
    host = SimulatedHost(run_sd=0.02, drift_sd=0.04, tau_s=3600.0)
    found = fitted_host(91.0 * np.arange(2000.0), runs(host, 2000, seed=3))
    assert found.run_sd == pytest.approx(host.run_sd, rel=0.15)
    assert found.drift_sd == pytest.approx(host.drift_sd, rel=0.3)
    assert found.tau_s == pytest.approx(host.tau_s, rel=0.6)
    assert found.outlier_rate < 0.01  # the runs contain only noise


def test_outliers_are_distinguished_from_noise() -> None:
    host = SimulatedHost(outlier_rate=0.05, outlier_size=0.2)
    found = fitted_host(91.0 * np.arange(2000.0), runs(host, 2000, seed=1))
    assert found.outlier_rate == pytest.approx(0.05, abs=0.015)
    assert found.outlier_size == pytest.approx(0.2, rel=0.15)


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="19 runs"):
        fitted_host(np.arange(19.0), np.zeros(19))
