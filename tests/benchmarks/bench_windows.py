"""Lab hours of a decided campaign with windows by their worth, against 10 s for all.

    python -m tests.benchmarks.bench_windows [--nights 3]

97 cases, margin 3 %, until decided, on simulated hosts whose run SD in windows of 10 s is the same
and comes from the seconds within a window (which longer windows average) in different shares. The
windows are chosen as the planner does: variance components are estimated from a pilot night of 4
iterations and 32 cases, and `choose_windows` looks for the least lab time of the plan at hand. Then
the campaign is driven through the real plan, interim analyses and stopping, with either windows.

Before the table: the least hours there are (iterations until the first analysis, the shortest
windows), and what several windows within one attach could save at best. A cost at the margin (3 %
in the last row) cannot be decided: it takes all 12 iterations.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from tasks.model.metrics import METRICS
from tasks.model.plan import Design, Plan, Workload
from tasks.planning.schedule import duration_s
from tasks.statistics.baselines import baseline_series
from tasks.statistics.components import components
from tasks.statistics.decision_rules import rules_for
from tasks.statistics.differences import cell_values
from tasks.statistics.effects import analyze
from tasks.statistics.power import Judged
from tasks.statistics.simulate import METRIC, SimulatedHost
from tasks.statistics.windows import LENGTHS_S, Noise, choose_windows

from ..statistics.small_campaign import RULES
from ..statistics.test_components import WINDOW_S, night
from .bench_decided import mixed
from .simulated_campaign import MARGINS, QUICK, WORKLOADS, Campaign, Costs, measured, plan_of

COSTS: dict[str, Costs] = {
    "nothing costs": lambda case, load: 0.0,
    "half cost 10 %": lambda case, load: 10.0 * (case % 2),
    "mixed": mixed,
    "0, 1, 3, 10, 50 %": lambda case, load: (0.0, 1.0, 3.0, 10.0, 50.0)[case % 5],
}
SHARES = (0.0, 0.5, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Lab hours with windows by their worth.")
    parser.add_argument("--nights", type=int, default=3, help="simulated nights for each figure")
    parser.add_argument("--sd", type=float, default=0.01, help="run SD in windows of 10 s")
    parser.add_argument("--full", action="store_true", help="10 workloads instead of 3")
    chosen = parser.parse_args()
    loads = WORKLOADS if chosen.full else QUICK
    print(f"97 cases, {len(loads)} workloads, run SD {chosen.sd:.1%}, {chosen.nights} nights")
    print(floor(loads))
    print(repetitions(loads))
    print(f"{'of seconds':>10} {'costs':18} {'window':>7} {'hours':>6} {'decided':>8} "
          f"{'covered':>8} {'false overhead':>15}")  # fmt: skip
    for share in SHARES:
        for name, cost in COSTS.items():
            for window_s in (WINDOW_S, chosen_window(share, chosen.sd, len(loads))):
                figures = [
                    campaign(cost, share, chosen.sd, window_s, loads, seed)
                    for seed in range(chosen.nights)
                ]
                hours, decided, covered, false = np.mean(figures, axis=0)
                print(
                    f"{share:10.0%} {name:18} {window_s:5} s {hours:6.1f} {decided:8.1%} "
                    f"{covered:8.1%} {false:15.2%}",
                    flush=True,
                )


def floor(loads: tuple[Workload, ...]) -> str:
    """The least hours there are: as many iterations as the first analysis needs."""
    plan = plan_of(Campaign(workloads=loads), seed=1)
    first = rules_for(plan).analyses[0]
    hours = [first * _iteration_s(plan, {"w": length}) / 3600 for length in (LENGTHS_S[0], 0)]
    return (
        f"floor of {first} iterations: {hours[0]:.1f} h with windows of {LENGTHS_S[0]} s, "
        f"{hours[1]:.1f} h of it outside the windows"
    )


def repetitions(loads: tuple[Workload, ...]) -> str:
    """The most that several windows within one attach could save, beside one window and more
    iterations: all variance is between windows, so that a second one halves it. Costs of 0 and
    twice the margin are to be decided, as by `choose_windows`; windows of 2 s.
    """
    plan = plan_of(Campaign(workloads=loads), seed=1)
    rules, lengths = rules_for(plan), {"w": LENGTHS_S[0]}

    def hours(sd: float, windows: int) -> float:
        judged = Judged(METRICS[METRIC], MARGINS[METRIC] or 0.0, sd / windows**0.5, 50.0, rules)
        several = replace(plan, workloads=plan.workloads * windows)
        needed = next((n for n in rules.analyses if judged.decides(n)), None)
        return np.inf if needed is None else needed * _iteration_s(several, lengths) / 3600

    parts = []
    for sd in (0.01, 0.015, 0.02, 0.025):
        one, *more = (hours(sd, windows) for windows in (1, 2, 3))
        parts.append(f"SD {sd:.1%} {one:.1f} h against {min(more):.1f} h")
    return f"one window within an attach, against two or three: {', '.join(parts)}"


def chosen_window(share: float, sd: float, loads: int) -> int:
    """What the planner chooses after a pilot night of this host."""
    run_sd, second_sd = sd * (1 - share) ** 0.5, sd * (share * WINDOW_S) ** 0.5
    cells, samples, intervals = night(run_sd, second_sd, seed=7)
    effects = analyze(cells, samples, {METRIC: 3.0}, RULES).effects
    series = baseline_series(cell_values(cells, samples), RULES)
    part = components(cells, intervals, effects, series).row(0, named=True)
    plan = plan_of(Campaign(workloads=WORKLOADS[:loads]), seed=1)
    rules = rules_for(plan)
    judged = Judged(METRICS[METRIC], MARGINS[METRIC] or 0.0, part["total"] ** 0.5, 50.0, rules)
    noise = {"w": [Noise(judged, part["window_s"], part["seconds"])]}
    choice = choose_windows(noise, rules.analyses, lambda n, w: n * _iteration_s(plan, w))
    assert choice is not None
    return choice.windows_s["w"]


def _iteration_s(plan: Plan, windows_s: Mapping[str, int]) -> float:
    lengths = tuple(replace(w, window_s=float(windows_s["w"])) for w in plan.workloads)
    first = [slot for slot in plan.slots if slot.iteration == 1]
    return duration_s(replace(plan, workloads=lengths), first)


def campaign(
    cost: Costs, share: float, sd: float, window_s: int, loads: tuple[Workload, ...], seed: int
) -> tuple[float, float, float, float]:
    """Hours, shares of effects decided and covered, share of those within the margin called
    overhead."""
    run_sd = sd * (1 - share + share * WINDOW_S / window_s) ** 0.5
    one = Campaign(
        host=SimulatedHost(run_sd=run_sd),
        cost=cost,
        workloads=tuple(replace(load, window_s=float(window_s)) for load in loads),
        design=Design(1, 12, until_decided=True),
    )
    night_ = measured(one, seed)
    small = night_.effects.filter(pl.col("truth") <= 3.0)
    false = _share(small["verdict"] == "overhead")
    effects = night_.effects
    return night_.hours, _share(effects["decided"]), _share(effects["covered"]), false


def _share(flags: pl.Series) -> float:
    return float(flags.cast(pl.Float64).mean() or 0.0)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
