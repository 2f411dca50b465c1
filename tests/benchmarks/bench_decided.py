"""Lab hours until everything is decided, and what the decisions are worth; seeded.

    python -m tests.benchmarks.bench_decided [--nights 12]

Campaigns of 97 cases under 3 workloads, 10 s windows, a margin of 3 %, at most 12 iterations, run
by the real plan, analyses and stopping on a simulated host. For each:

- hours (as the planner counts them), beside those of all 12 iterations; iterations of a workload of
  a case, on average; how many of them were decided
- false overheads among tools without cost, and false "none" among those that cost the margin or
  more
- coverage at the analysis that decided, by how much noisier than its peers a tool is

Costs are mixed: half of the tools cost nothing, the others 0.5, 1, 2, 5 or 10 %. Unsteady: four
tools with twice, three with four times the SD of the others.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import polars as pl

from tasks.planning.schedule import duration_s
from tasks.statistics.simulate import SimulatedHost

from .simulated_campaign import Campaign, Look, measured, plan_of

COSTS = (0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
UNSTEADY = dict.fromkeys(range(4), 2.0) | dict.fromkeys(range(4, 7), 4.0)


def mixed(case: int, workload: int) -> float:
    return COSTS[(case * 7 + workload * 3) % len(COSTS)]


CAMPAIGNS = {
    "SD 1 %, nothing costs": Campaign(),
    "SD 1 %, mixed costs": Campaign(cost=mixed),
    "SD 1 %, nothing costs, 7 unsteady tools": Campaign(noisier=UNSTEADY),
    "SD 1 %, mixed costs, 7 unsteady tools": Campaign(cost=mixed, noisier=UNSTEADY),
    "SD 2 %, mixed costs": Campaign(SimulatedHost(run_sd=0.02), cost=mixed),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Lab hours until everything is decided.")
    parser.add_argument("--nights", type=int, default=12, help="simulated nights for each figure")
    nights = parser.parse_args().nights
    for name, campaign in CAMPAIGNS.items():
        ends = [measured(campaign, seed) for seed in range(nights)]
        print(f"\n{name}\n  {summary(campaign, ends)}")
        effects = pl.concat(end.effects for end in ends)
        for noisier in sorted(effects["noisier"].unique()):
            print(f"  covered, SD {noisier:g}x: {by_look(effects.filter(noisier=noisier))}")


def summary(campaign: Campaign, ends: Sequence[Look]) -> str:
    effects = pl.concat(end.effects for end in ends)
    hours = sum(end.hours for end in ends) / len(ends)
    none = effects.filter(truth=0.0)["verdict"] == "overhead"
    large = effects.filter(pl.col("truth") >= 3)["verdict"] == "no_overhead_within_margin"
    return (
        f"{hours:.1f} h (all iterations {duration_s(plan_of(campaign, 0)) / 3600:.1f} h), "
        f"{np.mean(effects['n'].to_numpy()):.2f} iterations, decided {_share(effects['decided'])}, "
        f"false overhead {_share(none)}, false none {_share(large)}"
    )


def by_look(effects: pl.DataFrame) -> str:
    """`n 3: 98.9 % of 2822`, for each analysis that decided something, and for all together."""
    decided = effects.filter("decided")
    looks = [(f"n {n}", decided.filter(n=n)) for n in sorted(decided["n"].unique())]
    parts = [*looks, ("all decided", decided), ("undecided too", effects)]
    return ", ".join(f"{name}: {_share(part['covered'])} of {len(part)}" for name, part in parts)


def _share(yes: pl.Series) -> str:
    return f"{100 * np.mean(yes.to_numpy()):.1f} %" if len(yes) else "—"


if __name__ == "__main__":
    main()
