"""Coverage of tools that are noisier than their peers, at the analysis that decided; seeded.

    python -m tests.benchmarks.bench_unsteady [--nights 60]

Campaigns of 97 cases under 3 workloads, run by the real plan, analyses and stopping on a simulated
host (run SD 1 %, margin 3 %, at most 12 iterations). Eight cases have twice, eight others four
times the SD of their peers, in all workloads; they cost from 0 to 50 %, so that some are decided at
each analysis. The costs of the others are those of `bench_decided`. Printed:

- of each SD and analysis, how many effects it decided and how many of them their interval covers,
  with the 95 % Wilson interval of that share (goal: at least 92 %)
- hours, beside those of the plain moderated t, which shrinks the variance of every case alike
  (goal: at most 5 % more)
"""

import argparse
from collections.abc import Sequence
from unittest import mock

import numpy as np
import polars as pl
from scipy.stats import binomtest

from tasks.statistics import moderated

from .bench_decided import mixed
from .simulated_campaign import Campaign, Look, measured

GOAL = 0.92
NOISIER = dict.fromkeys(range(8), 2.0) | dict.fromkeys(range(8, 16), 4.0)
_COSTS = (0.0, 7.0, 10.0, 15.0, 25.0, 50.0)


def cost(case: int, workload: int) -> float:
    return _COSTS[(case + workload) % len(_COSTS)] if case in NOISIER else mixed(case, workload)


CAMPAIGN = Campaign(cost=cost, noisier=NOISIER)


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of tools noisier than their peers.")
    parser.add_argument("--nights", type=int, default=60, help="simulated nights")
    nights = parser.parse_args().nights
    ends = [measured(CAMPAIGN, seed) for seed in range(nights)]
    effects = pl.concat(end.effects for end in ends).filter("decided")
    print(f"{nights} nights\n{'SD':>4} {'n':>4} {'decided':>8} {'covered':>8}   95 % interval")
    for sd in (1.0, 2.0, 4.0):
        of_sd = effects.filter(noisier=sd)
        for n in sorted(of_sd["n"].unique()):
            _print_row(sd, str(n), of_sd.filter(n=n)["covered"])
        _print_row(sd, "all", of_sd["covered"])
    compared = range(min(nights, 10))
    with mock.patch.object(moderated, "ALIKE", 1.0):
        plain = [measured(CAMPAIGN, seed) for seed in compared]
    print(f"{_hours([ends[i] for i in compared]):.2f} h, plain moderated t {_hours(plain):.2f} h")


def _print_row(sd: float, n: str, covered: pl.Series) -> None:
    share = binomtest(int(covered.sum()), len(covered))
    ends = share.proportion_ci(method="wilson")
    note = "" if ends.high >= GOAL else "  below the goal"
    print(
        f"{sd:3g}x {n:>4} {len(covered):8} {share.statistic:8.1%}   "
        f"{ends.low:.1%} to {ends.high:.1%}{note}"
    )


def _hours(ends: Sequence[Look]) -> float:
    return float(np.mean([end.hours for end in ends]))


if __name__ == "__main__":
    main()
