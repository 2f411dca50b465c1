"""Figures of the measurement design, on simulated nights; seeded, so they come out the same.

    python -m tests.benchmarks.bench_statistics [--nights 40]

1. False positives at nominal 5 % where every tool does nothing: this design, beside a single
   baseline block and beside repetitions back to back with a plain t, on the same nights.
2. Lab time to establish a 3 % cost (power 0.8) in a campaign of 97 cases, beside fixed designs at
   the same 5 %: a plain t, Holm–Bonferroni for 97 cases (it bounds the chance of any error, where
   this design's Benjamini–Hochberg bounds their share), with one baseline an iteration (as the
   published campaigns ran) or with one beside every run of a case.
3. Coverage of the 95 % intervals for true costs of 0, 1, 3, 10 and 50 %, and of tools that make the
   traffic noisier than their peers do.

Nights are those of tasks/statistics/simulate.py, on hosts of round figures and on the lab as it was
measured. Figure 1 needs no cost, so all designs read the same night: the n-th run of each is the
host at the same time.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import stats

from tasks.statistics.analysis import analyze
from tasks.statistics.rules import LOOKS, Rules
from tasks.statistics.simulate import METRIC, WORKLOAD, Host, Schedule, frames, log_values

CASES = [f"case_{i}" for i in range(97)]
PLACEBOS = ["placebo_1", "placebo_2"]
CELL_S = 91.0
POWER = 0.8
MOST_ITERATIONS = 200
RULES = Rules(primary={WORKLOAD: METRIC})
SEQUENTIAL = Rules(primary={WORKLOAD: METRIC}, looks=LOOKS)
MARGINS = {METRIC: 3.0}
HOSTS = {
    "SD 1 %": Host(),
    "SD 2 %": Host(run_sd=0.02),
    "autocorrelated 0.3": Host(autocorrelation=0.3),
    "outliers 2 %": Host(outlier_rate=0.02),
    "bimodal 20 %": Host(bimodal_rate=0.2),
    "the lab's latency": Host(run_sd=0.044, drift_sd=0.050, tau_s=900.0, outlier_rate=0.10),
    "the lab's pps": Host(run_sd=0.164, drift_sd=0.144, tau_s=3200.0, outlier_rate=0.05),
}
"""The lab's: as `bench_lab` read them from placebos and baselines on two shared cores, with times
stretched from its 13 s between two runs of a workload to the 91 s here."""


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
        shares = [100 * np.mean(np.array(values) < 0.05) for values in p.values()]
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
    """A design that establishes the cost: iterations, power, cells spent."""

    iterations: int
    power: float
    cells: float

    def __str__(self) -> str:
        hours = self.cells * CELL_S / 3600
        return f"{hours:.1f} h (n {self.iterations}, power {self.power:.2f})"


def lab_time(nights: int, affected: int = 10) -> None:
    print(
        f"\nTime to establish a 3 % cost of {affected} of 97 cases, power 0.8 ({CELL_S:g} s a run)"
    )
    fixed = {"one baseline an iteration": 1 + len(CASES), "a baseline a run": 2}
    heads = "".join(f"{name:>30} {'':6}" for name in fixed)
    print(f"{'run SD':8} {'this design':>27}{heads}")
    for sd in (0.01, 0.02, 0.03):
        host = Host(run_sd=sd)
        ours = _sequential(host, nights, affected)
        line = f"{sd:<8.0%} {ours!s:>27}"
        for stretch in fixed.values():
            other = _fixed(host, nights, affected, stretch)
            ratio = f"{other.cells / ours.cells:5.1f}x" if ours.power >= POWER else "     -"
            line += f"{other!s:>30} {ratio}"
        print(line)
    print("-: this design does not reach the power within its cap of 12 iterations")


def _sequential(host: Host, nights: int, affected: int) -> Decided:
    """The first look at which 80 % of the costs are established, and the cells spent until then."""
    costs = dict.fromkeys(CASES[:affected], 3.0)
    established: dict[int, list[float]] = {look: [] for look in LOOKS}
    spent: dict[int, list[float]] = {look: [] for look in LOOKS}
    for seed in range(nights):
        for look, cells, effects in _campaign(costs, host, seed):
            hit = effects.filter(pl.col("case").is_in(CASES[:affected]))["verdict"]
            established[look].append(hit.is_in(["overhead", "overhead_unresolved"]).mean())
            spent[look].append(cells)
    power = {look: float(np.mean(shares)) for look, shares in established.items()}
    look = next((look for look in LOOKS if power[look] >= POWER), LOOKS[-1])
    return Decided(look, power[look], float(np.mean(spent[look])))


def _campaign(
    costs: dict[str, float], host: Host, seed: int
) -> Iterator[tuple[int, int, pl.DataFrame]]:
    """(look, cells spent, effects) of one sequential campaign; decided cases leave the schedule."""
    rng = np.random.default_rng(seed)
    schedule = Schedule.interleaved(CASES + PLACEBOS, LOOKS[-1], rng)
    cells, samples = frames(schedule, log_values(schedule, costs, host, rng))
    spent, previous, still_open = 0.0, 0, len(CASES) + len(PLACEBOS)
    for look in LOOKS:
        spent += (look - previous) * _cells_an_iteration(still_open)
        until = pl.col("iteration") <= look
        effects = analyze(cells.filter(until), samples.filter(until), MARGINS, SEQUENTIAL).effects
        yield look, int(spent), effects
        decided = effects["stopped"].str.starts_with("decided").sum()
        previous, still_open = look, max(0, len(effects) - decided)


def _cells_an_iteration(cases: int) -> int:
    return cases + 1 + -(-cases // 4)


def _fixed(host: Host, nights: int, affected: int, stretch: int) -> Decided:
    """The smallest n that has the power, each case once an iteration, in random order.

    A baseline opens every `stretch` of runs and is what the cases of that stretch are held against.
    """
    cells = len(CASES) // (stretch - 1) * stretch  # an iteration
    for n in range(2, MOST_ITERATIONS):
        shares = []
        for seed in range(nights):
            rng = np.random.default_rng(seed)
            order = np.concatenate([rng.permutation(len(CASES)) for _ in range(n)])
            runs = Schedule((1,) * cells * n, (0,) * cells * n, ("",) * cells * n)
            y = log_values(runs, {}, host, rng).reshape(-1, stretch)
            d = (y[:, 1:] - y[:, :1]).ravel()[np.argsort(order, kind="stable")]
            d = d.reshape(len(CASES), n)
            d[:affected] += np.log1p(-0.03)
            p = stats.ttest_1samp(d, 0.0, axis=1, alternative="less").pvalue
            shares.append(np.mean(_holm(p)[:affected] <= 0.05))
        if np.mean(shares) >= POWER:
            return Decided(n, float(np.mean(shares)), float(cells * n))
    raise RuntimeError(f"no n below {MOST_ITERATIONS} has the power")


def _holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p: the sharpest correction that holds whatever the cases share."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def coverage(nights: int) -> None:
    truths = (0.0, 1.0, 3.0, 10.0, 50.0)
    costs = {case: truths[i % len(truths)] for i, case in enumerate(CASES)}
    print("\nCoverage of the 95 % intervals by true cost")
    print(f"{'host':20} {'n':>3}" + "".join(f"{truth:>9g} %" for truth in truths))
    for name, host in HOSTS.items():
        for n in (4, 10):
            found = pl.concat(_intervals(costs, host, n, seed) for seed in range(nights))
            truth = pl.col("case").replace_strict(costs, default=None, return_dtype=pl.Float64)
            shares = (
                found.with_columns(truth=truth)
                .drop_nulls("truth")
                .group_by("truth")
                .agg(covered=100 * pl.col("truth").is_between("ci_low", "ci_high").mean())
                .sort("truth")["covered"]
            )
            print(f"{name:20} {n:3}" + "".join(f"{share:9.1f} %" for share in shares))


def noisy_coverage(nights: int, noisy: int = 7) -> None:
    print(f"\nCoverage where {noisy} of 97 tools add noise of their own, run SD 1 %")
    print(f"{'their own SD':14} {'n':>3} {'theirs':>9} {'of the others':>15}")
    for own_sd in (0.01, 0.02, 0.04):
        for n in (4, 6, 12):
            added = dict.fromkeys(CASES[:noisy], own_sd)
            found = pl.concat(_intervals({}, Host(), n, seed, added) for seed in range(nights))
            covered = pl.lit(0.0).is_between("ci_low", "ci_high")
            theirs = pl.col("case").is_in(CASES[:noisy])
            shares = [100 * found.filter(who).select(covered.mean()).item()
                      for who in (theirs, ~theirs)]  # fmt: skip
            print(f"{own_sd:<14.0%} {n:3}" + "{:8.1f} % {:13.1f} %".format(*shares))


def _intervals(
    costs: dict[str, float], host: Host, n: int, seed: int, own_sd: dict[str, float] | None = None
) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    schedule = Schedule.interleaved(CASES + PLACEBOS, n, rng)
    y = log_values(schedule, costs, host, rng, own_sd=own_sd or {})
    cells, samples = frames(schedule, y)
    effects = analyze(cells, samples, MARGINS, RULES).effects
    return effects.select("case", "ci_low", "ci_high")


if __name__ == "__main__":
    main()
