"""Figures of the measurement design, on simulated nights; seeded, so they come out the same.

    python -m tests.benchmarks.bench_statistics [--nights 40]

1. False positives at nominal 5 % if no tool has a cost: this design, compared on the same nights
   with a single baseline block and with back-to-back repetitions, both with a plain t.
2. Lab time to establish a 3 % cost (power 0.8) in a campaign of 97 cases, with a baseline every 4
   and every 8 cases, compared with fixed designs: a plain t, corrected (Benjamini–Hochberg), with
   one baseline per iteration (as in the published campaigns) or one before every run of a case.
   Each is compared at equal error, the level at which its share of false discoveries is not above
   this design's, and at the nominal level of both, 5 %. This design is run by the real planner and
   its analyses (`simulated_campaign`); `bench_decided` has the hours until all is decided.
3. Coverage of the 95 % intervals for true costs of 0, 1, 3, 10 and 50 %, and for tools that add
   more noise to the traffic than others.

Nights come from tasks/statistics/simulate.py, on hosts with round parameters and on hosts fitted to
the lab. Figure 1 needs no cost, so all designs use the same night: their n-th runs see the host at
the same time.
"""

import argparse
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import stats

from tasks.model.plan import Design
from tasks.statistics.decision_rules import ANALYSES, DecisionRules
from tasks.statistics.effects import analyze
from tasks.statistics.simulate import METRIC, WORKLOAD, Schedule, SimulatedHost, frames, log_values

from .simulated_campaign import WORKLOADS, Campaign, looks

CASES = [f"case_{i}" for i in range(97)]
PLACEBOS = ["placebo_1", "placebo_2"]
CELL_S = 91.0
POWER = 0.8
MOST_ITERATIONS = 200
RULES = DecisionRules(primary={WORKLOAD: METRIC})
MARGINS = {METRIC: 3.0}
HOSTS = {
    "SD 1 %": SimulatedHost(),
    "SD 2 %": SimulatedHost(run_sd=0.02),
    "autocorrelated 0.3": SimulatedHost(autocorrelation=0.3),
    "outliers 2 %": SimulatedHost(outlier_rate=0.02),
    "bimodal 20 %": SimulatedHost(bimodal_rate=0.2),
    "the lab's latency": SimulatedHost(
        run_sd=0.044, drift_sd=0.050, tau_s=900.0, outlier_rate=0.10
    ),
    "the lab's pps": SimulatedHost(run_sd=0.164, drift_sd=0.144, tau_s=3200.0, outlier_rate=0.05),
}
"""The lab's parameters are those that `bench_lab` fitted to placebos and baselines on two shared
cores, with times scaled from its 13 s between two runs of a workload to the 91 s here."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Figures of the measurement design.")
    parser.add_argument("--nights", type=int, default=40, help="simulated nights for each figure")
    nights = parser.parse_args().nights
    false_positives(nights)
    lab_time(nights)
    coverage(nights)
    noisy_coverage(nights)


def false_positives(nights: int, iterations: int = 4) -> None:
    print(f"\nFalse positives at nominal 5 %, {nights} nights, 97 tools that do nothing, n = 4")
    print(f"{'host':20} {'this design':>12} {'one block':>12} {'back to back':>14}")
    for name, host in HOSTS.items():
        p: dict[str, list[float]] = {"this": [], "block": [], "back": []}
        for seed in range(nights):
            rng = np.random.default_rng(seed)
            schedule = Schedule.interleaved(CASES + PLACEBOS, iterations, rng)
            y = log_values(schedule, {}, host, rng)
            found = analyze(*frames(schedule, y), MARGINS, RULES)
            p["this"] += found.effects["p_two_sided"].to_list()
            p["block"] += _single_block(y, iterations)
            p["back"] += _back_to_back(y, iterations)
        shares = [100 * float(np.mean(np.array(values) < 0.05)) for values in p.values()]
        print("{:20} {:10.1f} % {:10.1f} % {:12.1f} %".format(name, *shares))


def _single_block(y: np.ndarray, n: int) -> list[float]:
    """Ten baseline runs at the start of the night, then each case n times in a row."""
    base, rest = y[:10], y[10:]
    return [stats.ttest_ind(base, rest[i : i + n]).pvalue for i in _starts(rest, n)]


def _back_to_back(y: np.ndarray, n: int) -> list[float]:
    """Each case: n baseline runs, then n runs with the tool, plain two-sample t."""
    return [stats.ttest_ind(y[i : i + n], y[i + n : i + 2 * n]).pvalue for i in _starts(y, 2 * n)]


def _starts(y: np.ndarray, step: int) -> range:
    return range(0, len(y) - step + 1, step)


@dataclass(frozen=True, slots=True)
class Decided:
    """A design that establishes the cost: iterations, power, share of false discoveries, cells
    measured."""

    iterations: int
    power: float
    false: float
    cells: float

    def __str__(self) -> str:
        hours = self.cells * CELL_S / 3600
        return (
            f"{hours:.1f} h (n {self.iterations}, power {self.power:.2f}, false {self.false:.1%})"
        )


FIXED = {"one baseline per iteration": 1 + len(CASES), "one baseline per run": 2}
"""Fixed designs: the number of runs of which the first is a baseline."""
LEVELS = (0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001)


def lab_time(nights: int, affected: int = 10) -> None:
    print(
        f"\nTime to establish a 3 % cost of {affected} of 97 cases, power 0.8, {CELL_S:g} s per run"
    )
    for sd in (0.01, 0.02, 0.03):
        host = SimulatedHost(run_sd=sd)
        print(f"run SD {sd:.0%}")
        for every in (4, 8):
            ours = _sequential(host, nights, affected, every)
            print(f"  {f'this design, a baseline every {every} cases':42} {ours}")
            for name, stretch in FIXED.items():
                for kind, limit in (("equal error", ours.false), ("nominal 5 %", None)):
                    other = _fixed(host, nights, affected, stretch, limit)
                    ratio = f"{other.cells / ours.cells:.1f}x" if ours.power >= POWER else "-"
                    print(f"    {f'{name}, {kind}':40} {other!s:44} {ratio}")
    print("-: this design does not reach the power within its maximum of 12 iterations")


def _sequential(host: SimulatedHost, nights: int, affected: int, every: int) -> Decided:
    """The first analysis at which 80 % of the costs are established, and the cells until then."""
    campaign = Campaign(
        host,
        cost=lambda case, _: 3.0 if case < affected else 0.0,
        workloads=(replace(WORKLOADS[0], window_s=CELL_S - 8),),
        design=Design(1, ANALYSES[-1], baseline_every=every, until_decided=True),
    )
    rows: dict[int, list[tuple[float, float, float]]] = {n: [] for n in ANALYSES}
    for seed in range(nights):
        for look in looks(campaign, seed):
            verdict, truth = look.effects["verdict"], look.effects["truth"]
            called = verdict.is_in(["overhead", "overhead_unresolved"])
            calls, right = len(called.filter(called)), len(called.filter(called & (truth > 0)))
            false = (calls - right) / max(1, calls)
            rows[look.iteration].append((right / affected, false, look.cells))
    found = {n: np.mean(shares, axis=0) for n, shares in rows.items()}
    n = next((n for n in ANALYSES if found[n][0] >= POWER), ANALYSES[-1])
    power, false, cells = map(float, found[n])
    return Decided(n, power, false, cells)


def _fixed(
    host: SimulatedHost, nights: int, affected: int, stretch: int, most_false: float | None
) -> Decided:
    """The smallest n with the power; each case runs once per iteration, in random order.

    The first of every `stretch` runs is a baseline, with which the others are compared.
    most_false: the largest share of false discoveries; None: the nominal level of 5 %.
    """
    cells = len(CASES) // (stretch - 1) * stretch  # an iteration
    levels = LEVELS[:1] if most_false is None else LEVELS
    for n in range(2, MOST_ITERATIONS):
        calls = [_calls(host, n, seed, affected, stretch, cells) for seed in range(nights)]
        for level in levels:
            called = [q <= level for q in calls]
            power = float(np.mean([c[:affected].mean() for c in called]))
            false = float(np.mean([c[affected:].sum() / max(1, c.sum()) for c in called]))
            if power >= POWER and (most_false is None or false <= most_false):
                return Decided(n, power, false, float(cells * n))
    raise RuntimeError(f"no n below {MOST_ITERATIONS} has the power")


def _calls(
    host: SimulatedHost, n: int, seed: int, affected: int, stretch: int, cells: int
) -> np.ndarray:
    """Adjusted p of every case in one fixed campaign."""
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(CASES)) for _ in range(n)])
    runs = Schedule((1,) * cells * n, (0,) * cells * n, ("",) * cells * n)
    y = log_values(runs, {}, host, rng).reshape(-1, stretch)
    d = (y[:, 1:] - y[:, :1]).ravel()[np.argsort(order, kind="stable")].reshape(len(CASES), n)
    d[:affected] += np.log1p(-0.03)
    p = stats.ttest_1samp(d, 0.0, axis=1, alternative="less").pvalue
    return np.asarray(stats.false_discovery_control(p))


def coverage(nights: int) -> None:
    truths = (0.0, 1.0, 3.0, 10.0, 50.0)
    costs = {case: truths[i % len(truths)] for i, case in enumerate(CASES)}
    print("\nCoverage of the 95 % intervals by true cost")
    print(f"{'host':20} {'n':>3}" + "".join(f"{truth:>9g} %" for truth in truths))
    for name, host in HOSTS.items():
        for n in (4, 10):
            found = pl.concat(_intervals(costs, host, n, seed) for seed in range(nights))
            shares = _covered(found, costs)
            print(f"{name:20} {n:3}" + "".join(f"{share:9.1f} %" for share in shares))


def noisy_coverage(nights: int, noisy: int = 7) -> None:
    print(f"\nCoverage if {noisy} of 97 tools add noise of their own, run SD 1 %")
    print(f"{'their own SD':14} {'n':>3} {'theirs':>9} {'of the others':>15}")
    for own_sd in (0.01, 0.02, 0.04):
        for n in (3, 4, 6, 12):
            added = dict.fromkeys(CASES[:noisy], own_sd)
            found = pl.concat(
                _intervals({}, SimulatedHost(), n, seed, added) for seed in range(nights)
            )
            covered = pl.lit(0.0).is_between("ci_low", "ci_high")
            theirs = pl.col("case").is_in(CASES[:noisy])
            shares = [100 * found.filter(who).select(covered.mean()).item()
                      for who in (theirs, ~theirs)]  # fmt: skip
            print(f"{own_sd:<14.0%} {n:3}" + "{:8.1f} % {:13.1f} %".format(*shares))


def _covered(effects: pl.DataFrame, costs: dict[str, float]) -> pl.Series:
    """Percent of intervals that contain the true cost, by true cost."""
    truth = pl.col("case").replace_strict(costs, default=None, return_dtype=pl.Float64)
    return (
        effects.with_columns(truth=truth)
        .drop_nulls("truth")
        .group_by("truth")
        .agg(covered=100 * pl.col("truth").is_between("ci_low", "ci_high").mean())
        .sort("truth")["covered"]
    )


def _intervals(
    costs: dict[str, float],
    host: SimulatedHost,
    n: int,
    seed: int,
    own_sd: dict[str, float] | None = None,
) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    schedule = Schedule.interleaved(CASES + PLACEBOS, n, rng)
    y = log_values(schedule, costs, host, rng, own_sd=own_sd or {})
    cells, samples = frames(schedule, y)
    effects = analyze(cells, samples, MARGINS, RULES).effects
    return effects.select("case", "ci_low", "ci_high")


if __name__ == "__main__":
    main()
