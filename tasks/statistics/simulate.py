"""The simulator that the measurement design is held against: campaigns with known true costs.

Public: benchmarks and tests judge the design with it, and the notebooks' example data comes from
it. No measurement uses it.

    y(t) = ln(level) + drift(t) + mode + noise − cost of the case

- drift: an Ornstein–Uhlenbeck process with stationary SD `drift_sd` and time constant `tau_s`: slow
  changes of the host (temperature, frequency, neighbours on the switch).
- noise: SD `run_sd` from run to run, with `autocorrelation` between one run and the next.
- outliers: one run in `1/outlier_rate` is worse by `outlier_size` (a cron job, a retransmit storm).
- mode: a bimodal host is in its worse scheduler regime for `bimodal_rate` of the time, on average
  `bimodal_dwell_s` at a stretch (a two-state Markov chain); it is then worse by `bimodal_size`.
- carry-over: a run is worse by `carry_over`·exp(−s/`carry_over_tau_s`), s the seconds since the
  last run with a tool; `spoils` is what single tools leave behind for the next run only.

All sizes are on the natural logarithm (0.01 is about 1 %). The metric is throughput. The harness is
not simulated: no gate fails, nothing is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import numpy as np
import polars as pl
from scipy.signal import lfilter

from ..storage.schema import CELLS, SAMPLES
from .arrays import Floats

METRIC, WORKLOAD = "throughput_bps", "throughput_single_tcp"
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SimulatedHost:
    """How a host behaves when nothing is measured on it; the defaults are those of the design."""

    run_sd: float = 0.01
    drift_sd: float = 0.02
    tau_s: float = 40 * 60.0
    autocorrelation: float = 0.0
    outlier_rate: float = 0.0
    outlier_size: float = 0.10
    bimodal_rate: float = 0.0
    bimodal_size: float = 0.30
    bimodal_dwell_s: float = 300.0
    carry_over: float = 0.0
    carry_over_tau_s: float = 60.0
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
            permuted = [str(case) for case in rng.permutation(cases)]
            for start in range(0, len(permuted), every):
                order += [*permuted[start : start + every], "baseline"]
            rows += [(iteration, position, case) for position, case in enumerate(order)]
        return cls(*zip(*rows, strict=True))


def log_values(
    schedule: Schedule,
    costs: Mapping[str, float],
    host: SimulatedHost,
    rng: np.random.Generator,
    cell_s: float = 91.0,
    own_sd: Mapping[str, float] = MappingProxyType({}),
    spoils: Mapping[str, float] = MappingProxyType({}),
) -> Floats:
    """y of each row of the schedule; `costs` are true costs in percent, by case (others: 0).

    own_sd: what a case adds to the noise of its runs, for a tool that makes the traffic unsteady.
    spoils: what a case takes from the run after it.
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
        - host.carry_over * _carried(schedule, host, cell_s)
        - np.array([0.0, *(spoils.get(case, 0.0) for case in schedule.case[:-1])])
        - cost
        + np.array([own_sd.get(case, 0.0) for case in schedule.case]) * rng.normal(size=n)
    )


def frames(
    schedule: Schedule, y: Floats, cell_s: float = 91.0, environment: str = "simulated"
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """CELLS and SAMPLES of a campaign that measured these values."""
    case = pl.col("case")
    keys = pl.DataFrame(asdict(schedule)).with_columns(
        environment=pl.lit(environment),
        run=pl.lit("simulated"),
        layer=pl.lit("host"),
        workload=pl.lit(WORKLOAD),
        attempt=1,
    )
    started = [_START + timedelta(seconds=index * cell_s) for index in range(len(y))]
    cells = keys.with_columns(
        kind=pl.when(case == "baseline")
        .then(pl.lit("baseline"))
        .when(case.str.starts_with("placebo"))
        .then(pl.lit("placebo"))
        .otherwise(pl.lit("tool")),
        tool=pl.when(case == "baseline").then(pl.lit("")).otherwise(case),
        status=pl.lit("passed"),
        started=pl.Series(started),
        ended=pl.Series(started) + timedelta(seconds=10),
        window_s=10.0,
    )
    samples = keys.with_columns(metric=pl.lit(METRIC), value=np.exp(y), unit=pl.lit("bit/s"))
    return CELLS.frame(cells.iter_rows(named=True)), SAMPLES.frame(samples.iter_rows(named=True))


def _carried(schedule: Schedule, host: SimulatedHost, cell_s: float) -> Floats:
    """The share of the carry-over that is left in each cell, which begins when the one before ends.

    A placebo leaves nothing behind.
    """
    at = np.arange(len(schedule.case))
    with_tool = np.array([not case.startswith(("baseline", "placebo")) for case in schedule.case])
    latest = np.maximum.accumulate(np.where(with_tool, at, -1))
    before = np.concatenate([[-1], latest[:-1]])
    since_s = (at - before - 1) * cell_s
    return np.where(before < 0, 0.0, np.exp(-since_s / host.carry_over_tau_s))


def _modes(host: SimulatedHost, n: int, cell_s: float, rng: np.random.Generator) -> Floats:
    """1 where the host is in its worse regime, else 0; one value per cell."""
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


def _autoregressive(sd: float, rho: float, n: int, rng: np.random.Generator) -> Floats:
    """A stationary AR(1) series of that SD: x' = ρ·x + sd·√(1 − ρ²)·ε."""
    steps = rng.normal(0.0, sd, n)
    steps[1:] *= np.sqrt(1 - rho**2)
    return np.asarray(lfilter([1.0], [1.0, -rho], steps))
