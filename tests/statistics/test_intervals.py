"""Intervals of cases that are measured under several workloads."""

import numpy as np
import polars as pl

from tasks.statistics.decision_rules import ANALYSES, DecisionRules
from tasks.statistics.intervals import with_intervals

from .small_campaign import effects

LOADS = ("throughput_single_tcp", "throughput_multi_tcp", "throughput_single_udp")


def measured(noisier: float, n: int, seed: int, cases: int = 60) -> pl.DataFrame:
    """Effects without cost under three workloads; case x0 is `noisier` in all of them."""
    rng = np.random.default_rng(seed)
    rows = []
    for load in LOADS:
        for case in range(cases):
            d = rng.normal(0.0, 0.01 * (noisier if case == 0 else 1.0), n)
            rows.append(
                {
                    "case": f"x{case}", "workload": load, "n": n, "estimate_log": d.mean(),
                    "variance": d.var(ddof=1), "hodges_lehmann": 0.0,
                }
            )  # fmt: skip
    return effects(*rows).with_columns(several=False)


def covered(noisier: float) -> tuple[float, float]:
    """Coverage of the noisier case, and the median width of the others' intervals in percent."""
    found = [with_intervals(measured(noisier, 3, seed), DecisionRules()) for seed in range(80)]
    frame = pl.concat(found)
    inside = pl.lit(0.0).is_between("ci_low", "ci_high")
    width = frame.filter(pl.col("case") != "x0").select(pl.col("ci_high") - pl.col("ci_low"))
    return frame.filter(case="x0").select(inside.mean()).item(), width.to_series().median()


def test_intervals_of_a_tool_that_is_unsteady_in_all_its_workloads_cover() -> None:
    # judged by each workload alone 0.86 and 0.92 of them
    (twice, width), (four_times, _) = covered(2.0), covered(4.0)
    assert twice >= 0.92 and four_times >= 0.95
    assert width < 2.5  # the others' intervals stay narrow: 2 · 1.96 · 1 % / √3 is 2.3 %


def test_a_single_workload_is_judged_by_itself() -> None:
    rows = measured(4.0, 3, 1).filter(workload=LOADS[0])
    alone = with_intervals(rows, DecisionRules())
    primary_of_none = with_intervals(rows.with_columns(primary=False), DecisionRules())
    assert alone["ci_high"].to_list() == primary_of_none["ci_high"].to_list()


def test_an_early_analysis_has_wider_intervals() -> None:
    rows, rules = measured(1.0, 3, 1), DecisionRules(analyses=ANALYSES)
    fixed, early = (with_intervals(rows, r) for r in (DecisionRules(), rules.at(4)))
    assert (early["ci_high"] - early["ci_low"] > fixed["ci_high"] - fixed["ci_low"]).all()
