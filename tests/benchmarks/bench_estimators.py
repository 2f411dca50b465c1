"""How well costs are estimated, on simulated nights of many kinds; seeded.

    python -m tests.benchmarks.bench_estimators [--nights 20] [--cases 97] [--every 4]

For each world, with interpolated baselines and with the joint model: the bias of the estimates, the
coverage of the 95 % intervals, the variance that is claimed over the one that is seen, and the
efficiency (mean squared error of interpolation over that of the joint model). Then how often the
check of carry-over fails: false alarms where nothing is carried over, else detections.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tasks.statistics.calibration import carry_over
from tasks.statistics.decision_rules import DecisionRules
from tasks.statistics.differences import cell_values, differences
from tasks.statistics.estimates import estimate
from tasks.statistics.joint import adjusted_jointly
from tasks.statistics.simulate import (
    METRIC,
    WORKLOAD,
    Schedule,
    SimulatedHost,
    frames,
    log_values,
)

RULES = DecisionRules(primary={WORKLOAD: METRIC})
ITERATIONS = (4, 8)


@dataclass(frozen=True)
class World:
    """What a night is like beside its host. Maps: by number of the case."""

    host: SimulatedHost = field(default_factory=SimulatedHost)
    costs: Mapping[int, float] = field(default_factory=dict)  # percent
    own_sd: Mapping[int, float] = field(default_factory=dict)
    spoils: Mapping[int, float] = field(default_factory=dict)
    missing: float = 0.0  # share of the cells


@dataclass(frozen=True)
class Night:
    """Effects by interpolation and by the joint model, and the status of the check."""

    plain: pl.DataFrame
    joint: pl.DataFrame
    carry_over: str


WORLDS = {
    "run SD 1 %": World(),
    "run SD 3 %": World(SimulatedHost(run_sd=0.03)),
    "no drift": World(SimulatedHost(drift_sd=1e-6)),
    "fast drift, 400 s": World(SimulatedHost(tau_s=400.0)),
    "autocorrelated 0.3": World(SimulatedHost(autocorrelation=0.3)),
    "outliers 2 %": World(SimulatedHost(outlier_rate=0.02)),
    "outliers 10 %": World(SimulatedHost(outlier_rate=0.10)),
    "two regimes": World(SimulatedHost(bimodal_rate=0.2)),
    "every 7th tool unsteady": World(own_sd=dict.fromkeys(range(0, 200, 7), 0.04)),
    "15 % missing": World(missing=0.15),
    "costs of 3 to 50 %": World(costs={i: (0, 3, 10, 50)[i % 4] for i in range(200)}),
    "carry-over 2 %": World(SimulatedHost(carry_over=0.02)),
    "carry-over 5 %": World(SimulatedHost(carry_over=0.05)),
    "one tool spoils the next": World(costs={0: 20.0}, spoils={0: 0.05}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Figures of the estimators.")
    parser.add_argument("--nights", type=int, default=20, help="simulated nights for each figure")
    parser.add_argument("--cases", type=int, default=97)
    parser.add_argument("--every", type=int, default=4, help="cases between two baselines")
    options = parser.parse_args()
    head = f"{'bias %':>8}{'cover %':>9}{'claimed':>9}"
    print(f"{'world':26} {'n':>2}{head}{head}{'eff.':>6}{'carry-over':>12}")
    for name, world in WORLDS.items():
        for n in ITERATIONS:
            nights = list(_nights(world, n, options.cases, options.every, options.nights))
            plain = pl.concat(night.plain for night in nights)
            joint = pl.concat(night.joint for night in nights)
            found = sum(night.carry_over == "failed" for night in nights)
            efficiency = _square(plain) / _square(joint)
            print(
                f"{name:26} {n:2}{_figures(plain)}{_figures(joint)}{efficiency:6.2f}"
                f"{found:7}/{len(nights)}",
                flush=True,
            )


def _nights(world: World, n: int, cases: int, every: int, nights: int) -> Iterator[Night]:
    names = [f"case_{i}" for i in range(cases)]
    costs = {name: world.costs.get(i, 0.0) for i, name in enumerate(names)}
    own_sd = {f"case_{i}": sd for i, sd in world.own_sd.items()}
    spoils = {f"case_{i}": size for i, size in world.spoils.items()}
    for seed in range(nights):
        rng = np.random.default_rng(seed)
        schedule = Schedule.interleaved([*names, "placebo_1", "placebo_2"], n, rng, every)
        y = log_values(schedule, costs, world.host, rng, own_sd=own_sd, spoils=spoils)
        cells, samples = frames(schedule, y)
        lost = pl.Series(rng.random(len(cells)) < world.missing)
        status = pl.when(lost).then(pl.lit("invalid")).otherwise("status")
        cells = cells.with_columns(status=status)
        values = cell_values(cells, samples)
        plain = differences(values)
        effects = [
            _with_truth(estimate(cells, d, RULES), costs, [*spoils] or names)
            for d in (plain, adjusted_jointly(plain, values))
        ]
        yield Night(effects[0], effects[1], carry_over(plain, RULES)["status"])


def _with_truth(
    effects: pl.DataFrame, costs: Mapping[str, float], cases: list[str]
) -> pl.DataFrame:
    """Those cases' estimates and intervals, with the true cost; as natural logarithms `error`."""
    truth = pl.col("case").replace_strict(costs, default=None, return_dtype=pl.Float64)
    return (
        effects.filter(pl.col("case").is_in(cases), pl.col("ci_low").is_not_null())
        .with_columns(truth=truth)
        .with_columns(error=pl.col("estimate_log") - (1 - pl.col("truth") / 100).log())
        .select("truth", "error", "se_log", "ci_low", "ci_high")
    )


def _figures(effects: pl.DataFrame) -> str:
    bias, covered, claimed = effects.select(
        100 * pl.col("error").mean(),
        covered=100 * pl.col("truth").is_between("ci_low", "ci_high").mean(),
        claimed=(pl.col("se_log") ** 2).mean() / pl.col("error").var(),
    ).row(0)
    return f"{bias:+8.2f}{covered:9.1f}{claimed:9.2f}"


def _square(effects: pl.DataFrame) -> float:
    return float(effects.select((pl.col("error") ** 2).mean()).item())


if __name__ == "__main__":
    main()
