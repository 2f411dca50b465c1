"""The simulator does what its documentation says, so that conclusions from it hold."""

import numpy as np
import pytest

from tasks.statistics.simulate import Schedule, SimulatedHost, frames, log_values
from tasks.storage.schema import CELLS, SAMPLES

QUIET = SimulatedHost(run_sd=0.0, drift_sd=0.0)


def long_night(host: SimulatedHost, n: int = 40_000) -> np.ndarray:
    schedule = Schedule((1,) * n, tuple(range(n)), ("baseline",) * n)
    return log_values(schedule, {}, host, np.random.default_rng(1)) - np.log(host.level_bps)


def test_drift_has_its_spread_and_its_time_constant() -> None:
    drift = long_night(SimulatedHost(run_sd=0.0))
    assert drift.std() == pytest.approx(0.02, rel=0.1)
    lag = round(40 * 60 / 91)  # after one time constant 1/e of the correlation is left
    assert np.corrcoef(drift[:-lag], drift[lag:])[0, 1] == pytest.approx(np.exp(-1), abs=0.06)


def test_noise_has_its_spread_and_its_autocorrelation() -> None:
    noise = long_night(SimulatedHost(drift_sd=0.0, autocorrelation=0.5))
    assert noise.std() == pytest.approx(0.01, rel=0.05)
    assert np.corrcoef(noise[:-1], noise[1:])[0, 1] == pytest.approx(0.5, abs=0.03)


def test_a_cost_is_what_the_case_takes_from_the_level() -> None:
    schedule = Schedule((1, 1), (0, 1), ("baseline", "x"))
    y = log_values(schedule, {"x": 25.0}, QUIET, np.random.default_rng(1))
    assert np.exp(y[1] - y[0]) == pytest.approx(0.75)


def test_a_bimodal_host_stays_in_a_regime_for_its_dwell_and_is_worse_for_its_share() -> None:
    host = SimulatedHost(run_sd=0.0, drift_sd=0.0, bimodal_rate=0.2, bimodal_dwell_s=910.0)
    worse = long_night(host) < -0.15
    assert worse.mean() == pytest.approx(0.2, abs=0.03)
    stretches = np.diff(np.flatnonzero(np.diff(worse.astype(int))))
    starts_worse = worse[np.flatnonzero(np.diff(worse.astype(int)))[0] + 1]
    mean = stretches[0 if starts_worse else 1 :: 2].mean()
    assert mean == pytest.approx(1 / (1 - np.exp(-91 / 910)), rel=0.1)  # about ten cells


def test_every_case_lies_between_two_baselines() -> None:
    schedule = Schedule.interleaved([f"x{i}" for i in range(10)], 2, np.random.default_rng(1))
    first = [case for i, case in zip(schedule.iteration, schedule.case, strict=True) if i == 1]
    assert [i for i, case in enumerate(first) if case == "baseline"] == [0, 5, 10, 13]


def test_the_frames_are_those_of_a_campaign() -> None:
    schedule = Schedule.interleaved(["x", "placebo_1"], 1, np.random.default_rng(1))
    cells, samples = frames(schedule, np.zeros(4))
    assert (cells.schema, samples.schema) == (CELLS.schema, SAMPLES.schema)
    assert sorted(cells["kind"]) == ["baseline", "baseline", "placebo", "tool"]
