"""Simulated nights: what a campaign would read on hosts whose truth is known.

    y(t) = ln(level) + drift(t) + mode + noise − cost of the case

- drift: an Ornstein–Uhlenbeck process, stationary SD `drift_sd`, time constant `tau_s`: the host's
  slow wandering (temperature, frequency, neighbours on the switch).
- noise: SD `run_sd` from run to run, `autocorrelation` between one run and the next.
- outliers: a run in `1/outlier_rate` is worse by `outlier_size` (a cron job, a retransmit storm).
- mode: a bimodal host is in its worse scheduler regime for `bimodal_rate` of the time, on average
  `bimodal_dwell_s` at a stretch (a two-state Markov chain); it is then worse by `bimodal_size`.

`calibrated` reads these sizes from runs that really cost nothing.

All sizes are on the natural logarithm (0.01 is about 1 %). The metric is throughput. Nothing of the
harness is simulated: no gate fails, nothing is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import numpy as np
import polars as pl
from scipy.optimize import least_squares
from scipy.signal import lfilter, medfilt
from scipy.stats import median_abs_deviation

from ..storage.schema import CELLS, SAMPLES
from .arrays import Floats

METRIC, WORKLOAD = "throughput_bps", "throughput_single_tcp"
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SimulatedHost:
    """How a host behaves when nothing is measured on it; the defaults are the design page's."""

    run_sd: float = 0.01
    drift_sd: float = 0.02
    tau_s: float = 40 * 60.0
    autocorrelation: float = 0.0
    outlier_rate: float = 0.0
    outlier_size: float = 0.10
    bimodal_rate: float = 0.0
    bimodal_size: float = 0.30
    bimodal_dwell_s: float = 300.0
    level_bps: float = 9.4e9


@dataclass(frozen=True, slots=True)
class Schedule:
    """The order of one campaign: rows in time order, baselines interleaved."""

    iteration: tuple[int, ...]
    position: tuple[int, ...]
    case: tuple[str, ...]

    @classmethod
    def interleaved(
        cls, cases: Sequence[str], iterations: int, rng: np.random.Generator, every: int = 4
    ) -> "Schedule":
        """A baseline first, after every `every` cases and last; cases permuted each iteration."""
        rows: list[tuple[int, int, str]] = []
        for iteration in range(1, iterations + 1):
            order = ["baseline"]
            for done, case in enumerate(rng.permutation(cases), start=1):
                order.append(str(case))
                if done % every == 0 or done == len(cases):
                    order.append("baseline")
            rows += [(iteration, position, case) for position, case in enumerate(order)]
        return cls(*zip(*rows, strict=True))


def log_values(
    schedule: Schedule,
    costs: Mapping[str, float],
    host: SimulatedHost,
    rng: np.random.Generator,
    cell_s: float = 91.0,
    own_sd: Mapping[str, float] = MappingProxyType({}),
) -> Floats:
    """y of each row of the schedule; `costs` are true costs in percent, by case (others: 0).

    own_sd: what a case adds to the noise of its runs: a tool that makes the traffic unsteady.
    """
    n = len(schedule.case)
    worse = rng.random(n) < host.outlier_rate
    cost = np.array([-np.log1p(-costs.get(case, 0.0) / 100) for case in schedule.case])
    return np.asarray(
        np.log(host.level_bps)
        + _autoregressive(host.drift_sd, float(np.exp(-cell_s / host.tau_s)), n, rng)
        + _autoregressive(host.run_sd, host.autocorrelation, n, rng)
        - host.outlier_size * worse
        - host.bimodal_size * _modes(host, n, cell_s, rng)
        - cost
        + np.array([own_sd.get(case, 0.0) for case in schedule.case]) * rng.normal(size=n)
    )


def calibrated(elapsed_s: Floats, y: Floats) -> SimulatedHost:
    """The host on which runs that cost nothing read `y` (log values) at these times, in order.

    Outliers are runs more than 4 scaled MAD off the median of the five around them. Of the others,
    noise and drift come from the variogram (Matheron 1963, Economic Geology 58:1246): half the mean
    squared difference of two runs h s apart is run_sd² + drift_sd²·(1 − e^(−h/τ)), fitted over lags
    up to half the series. Raises ValueError below 20 runs.
    """
    if len(y) < 20:
        raise ValueError(f"{len(y)} runs tell nothing about drift; at least 20")
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


def frames(
    schedule: Schedule, y: Floats, cell_s: float = 91.0, environment: str = "simulated"
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The CELLS and SAMPLES that a campaign with these values would have left."""
    rows, samples = [], []
    for index, (iteration, position, case) in enumerate(
        zip(schedule.iteration, schedule.position, schedule.case, strict=True)
    ):
        start = _START + timedelta(seconds=index * cell_s)
        key = {
            "environment": environment,
            "run": "simulated",
            "layer": "host",
            "iteration": iteration,
            "position": position,
            "case": case,
            "workload": WORKLOAD,
            "attempt": 1,
        }
        rows.append(
            key
            | {
                "kind": _kind(case),
                "tool": "" if case == "baseline" else case,
                "status": "passed",
                "started": start,
                "ended": start + timedelta(seconds=10),
                "window_s": 10.0,
            }
        )
        samples.append(key | {"metric": METRIC, "value": float(np.exp(y[index])), "unit": "bit/s"})
    return CELLS.frame(rows), SAMPLES.frame(samples)


def _modes(host: SimulatedHost, n: int, cell_s: float, rng: np.random.Generator) -> Floats:
    """1 where the host is in its worse regime, else 0, a value a cell."""
    rate = host.bimodal_rate
    if rate == 0:
        return np.zeros(n)
    leaves_worse = -np.expm1(-cell_s / host.bimodal_dwell_s)
    leaves_better = min(1.0, leaves_worse * rate / (1 - rate))  # so that `rate` of cells are worse
    chance, worse, modes = rng.random(n + 1), rng.random() < rate, np.empty(n)
    for i in range(n):
        worse = chance[i] >= leaves_worse if worse else chance[i] < leaves_better
        modes[i] = worse
    return modes


def _kind(case: str) -> str:
    return "baseline" if case == "baseline" else "placebo" if case.startswith("placebo") else "tool"


def _autoregressive(sd: float, rho: float, n: int, rng: np.random.Generator) -> Floats:
    """A stationary AR(1) series of that SD: x' = ρ·x + sd·√(1 − ρ²)·ε."""
    steps = rng.normal(0.0, sd, n)
    steps[1:] *= np.sqrt(1 - rho**2)
    return np.asarray(lfilter([1.0], [1.0, -rho], steps))
