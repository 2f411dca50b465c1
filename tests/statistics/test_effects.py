"""From cells and samples to effects with intervals and verdicts."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.statistics.decision_rules import ANALYSES, DecisionRules
from tasks.statistics.effects import analyze
from tasks.statistics.estimates import hodges_lehmann
from tasks.statistics.simulate import METRIC, WORKLOAD
from tasks.storage.schema import EFFECTS

from ..languages import chinese, english_words
from .small_campaign import RULES, campaign, effect, simulated, where

MARGINS = {"throughput_bps": 3.0, "latency_mean_us": 5.0, "tool_cpu_pct": 1.0}


def test_cost_and_interval_of_one_case_are_those_of_the_plain_t() -> None:
    # Alone there is nothing to borrow: d = ln 0.90, ln 0.92, ln 0.94; t(0.975, 2) = 4.302653
    ratios = [0.90, 0.92, 0.94]
    found = analyze(
        *campaign([[("b", 100), ("x", 100 * r), ("b", 100)] for r in ratios]), MARGINS, RULES
    )
    d = np.log(ratios)
    half = 4.302652729911275 * d.std(ddof=1) / math.sqrt(3)
    row = effect(found.effects, case="x")
    assert row["n"] == 3
    assert row["estimate"] == pytest.approx(100 * (1 - math.exp(d.mean())))
    assert row["ci_low"] == pytest.approx(100 * (1 - math.exp(d.mean() + half)))
    assert row["ci_high"] == pytest.approx(100 * (1 - math.exp(d.mean() - half)))
    assert row["df"] == 2
    assert row["baseline_mean"] == pytest.approx(100)
    assert row["primary"] and row["unit"] == "%"


def test_more_latency_is_a_positive_cost_and_less_throughput_too() -> None:
    slots = [[("b", 100), ("x", 120 + i), ("b", 100)] for i in range(3)]
    slower = analyze(*campaign(slots, "latency_mean_us", "latency_tcp_rr"), MARGINS, RULES)
    faster = analyze(*campaign(slots), MARGINS, RULES)
    assert effect(slower.effects, case="x")["estimate"] == pytest.approx(21, abs=0.1)
    assert effect(faster.effects, case="x")["estimate"] == pytest.approx(-21, abs=0.1)


def test_a_tools_cpu_is_its_own_cost() -> None:
    slots = [[("b", None), ("x", cpu), ("b", None)] for cpu in (4.0, 5.0, 6.0)]
    row = effect(analyze(*campaign(slots, "tool_cpu_pct"), MARGINS, RULES).effects,
                 metric="tool_cpu_pct")  # fmt: skip
    assert (row["estimate"], row["unit"], row["baseline_mean"]) == (5.0, "% of one CPU", None)
    assert row["verdict"] == "overhead"


def test_hodges_lehmann_is_the_median_of_the_walsh_averages() -> None:
    # (1 2 4 100): averages 1 1.5 2 2.5 3 4 50.5 51 52 100 — the middle two are 3 and 4
    assert hodges_lehmann(np.array([1.0, 2.0, 4.0, 100.0])) == 3.5


def test_a_mean_whose_sign_one_outlier_decides_gives_no_verdict() -> None:
    values = [99.0, 99.1, 98.9, 99.0, 140.0]
    row = effect(
        analyze(*campaign([[("b", 100), ("x", v), ("b", 100)] for v in values]), MARGINS, RULES)
        .effects, case="x",
    )  # fmt: skip
    assert row["estimate"] < 0 < row["hodges_lehmann"]
    assert row["verdict"] == "inconclusive"
    assert "disagree: single iterations" in row["reason"]


def costs(cost_pct: float, spread: float, n: int = 6) -> list[list[tuple[str, float | None]]]:
    wobble = [spread * (-1) ** i for i in range(n)]
    return [[("b", 100.0), ("x", 100 - cost_pct + w), ("b", 100.0)] for w in wobble]


@pytest.mark.parametrize(
    ("cost_pct", "spread", "verdict"),
    [
        (10.0, 0.5, "overhead"),
        (0.2, 0.5, "no_overhead_within_margin"),
        (3.2, 0.5, "overhead_unresolved"),
        (-6.0, 0.5, "implausible_gain"),
        (1.0, 8.0, "inconclusive"),
    ],
)
def test_each_verdict_has_its_case(cost_pct: float, spread: float, verdict: str) -> None:
    row = effect(analyze(*campaign(costs(cost_pct, spread)), MARGINS, RULES).effects, case="x")
    assert row["verdict"] == verdict
    assert row["reason"]


def test_one_iteration_shows_an_estimate_and_nothing_more() -> None:
    row = effect(analyze(*campaign(costs(10, 0, n=1)), MARGINS, RULES).effects, case="x")
    assert row["estimate"] == pytest.approx(10)
    assert row["ci_low"] is row["ci_high"] is row["p_overhead"] is row["mde"] is None
    assert (row["verdict"], row["reason"]) == ("inconclusive", "1 iteration: no spread known")


def test_a_metric_without_margin_has_an_interval_and_no_verdict() -> None:
    row = effect(analyze(*campaign(costs(10, 0.5)), {}, RULES).effects, case="x")
    assert row["ci_low"] > 0
    assert row["verdict"] == "inconclusive"
    assert "no margin set" in row["reason"]


def test_a_case_whose_cells_all_failed_is_invalid_with_the_gate_as_reason() -> None:
    cells, samples = campaign(costs(10, 0.5))
    for column, value in (("status", "invalid"), ("gate", "tool_alive"), ("reason", "pid gone")):
        cells = where(cells, column, value, case="x")
    row = effect(analyze(cells, samples, MARGINS, RULES).effects, case="x")
    assert (row["verdict"], row["n"], row["estimate"]) == ("invalid", 0, None)
    assert "6 of 6 cells invalid (tool_alive: pid gone)" in row["reason"]


def test_a_lost_cell_is_reported_beside_the_number_of_the_others() -> None:
    cells, samples = campaign(costs(10, 0.5))
    cells = where(cells, "status", "invalid", case="x", iteration=2)
    row = effect(analyze(cells, samples, MARGINS, RULES).effects, case="x")
    assert (row["verdict"], row["n"]) == ("overhead", 5)
    assert "1 of 6 cells invalid" in row["reason"]


def test_a_workload_without_baseline_gives_no_number() -> None:
    slots = [[("x", 90.0 + i)] for i in range(4)]
    row = effect(analyze(*campaign(slots), MARGINS, RULES).effects, case="x")
    assert (row["verdict"], row["estimate"]) == ("inconclusive", None)
    assert "no baseline of this workload (4×)" in row["reason"]


def test_mixed_epochs_give_no_number() -> None:
    cells, samples = campaign(costs(10, 0.5), epoch="old")
    cells = where(cells, "epoch", "new", iteration=6)
    row = effect(analyze(cells, samples, MARGINS, RULES).effects, case="x")
    assert (row["verdict"], row["estimate"], row["ci_low"]) == ("invalid", None, None)
    assert "settings changed between iterations" in row["reason"]


def test_equal_differences_are_not_taken_for_certainty() -> None:
    row = effect(analyze(*campaign(costs(10, 0.0)), MARGINS, RULES).effects, case="x")
    assert row["ci_low"] is None
    assert row["verdict"] == "inconclusive"


def test_an_empty_campaign_gives_empty_frames() -> None:
    cells, samples = campaign([])
    found = analyze(cells, samples, MARGINS, RULES)
    assert found.effects.schema == EFFECTS.schema
    assert found.effects.is_empty() and found.calibration.is_empty()


def test_a_run_of_baselines_alone_has_a_calibration_and_no_effects() -> None:
    found = analyze(*campaign([[("b", 100), ("b", 101)]]), MARGINS, RULES)
    assert found.effects.schema == EFFECTS.schema and found.effects.is_empty()
    assert set(found.calibration["status"]) == {"not_judged"}


SIMULATED = DecisionRules(primary={WORKLOAD: METRIC})
SEQUENTIAL = DecisionRules(primary=RULES.primary, analyses=ANALYSES)


def test_tools_that_do_nothing_are_significant_one_time_in_twenty() -> None:
    p = pl.concat(
        analyze(*simulated({}, 4, seed, cases=97), MARGINS, SIMULATED).effects["p_two_sided"]
        for seed in range(20)
    )
    assert len(p) == 20 * 99
    assert 0.03 <= (p < 0.05).mean() <= 0.07  # type: ignore[operator]


def test_a_sequential_campaign_keeps_the_verdict_of_the_analysis_that_decided() -> None:
    cells, samples = simulated({"case_1": 10, "case_2": 3.1}, 8, seed=3)
    effects = analyze(cells, samples, MARGINS, SEQUENTIAL).effects
    early, late = effect(effects, case="case_1"), effect(effects, case="case_2")
    assert (early["verdict"], early["n"]) == ("overhead", 3)
    assert early["stopped"] == "decided after 3 iterations"
    assert (late["verdict"], late["n"]) == ("overhead_unresolved", 8)
    assert late["stopped"] == "campaign ended after 8 iterations"


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(0, 1000))
def test_the_unit_of_the_metric_does_not_matter(factor: float, seed: int) -> None:
    cells, samples = simulated({"case_0": 5}, 3, seed, cases=6)
    scaled = samples.with_columns(pl.col("value") * factor)
    one, other = (analyze(cells, s, MARGINS, SIMULATED).effects for s in (samples, scaled))
    for column in ("estimate", "ci_low", "ci_high", "p_two_sided"):
        assert one[column].to_list() == pytest.approx(other[column].to_list(), rel=1e-6, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(random: "object") -> None:
    cells, samples = simulated({"case_0": 5}, 3, 1, cases=6)
    seed = random.randrange(2**32)  # type: ignore[attr-defined]
    shuffled = analyze(
        cells.sample(fraction=1, shuffle=True, seed=seed),
        samples.sample(fraction=1, shuffle=True, seed=seed + 1), MARGINS, SIMULATED,
    ).effects.sort("case")  # fmt: skip
    plain = analyze(cells, samples, MARGINS, SIMULATED).effects.sort("case")
    assert shuffled["verdict"].to_list() == plain["verdict"].to_list()
    assert shuffled["ci_low"].to_list() == pytest.approx(plain["ci_low"].to_list(), rel=1e-9)


def test_a_cost_of_nothing_whose_mean_and_median_differ_in_sign_is_within_the_margin() -> None:
    values = [100.2, 99.98, 99.97, 99.98, 99.99, 99.98]
    row = effect(
        analyze(*campaign([[("b", 100), ("x", v), ("b", 100)] for v in values]), MARGINS, RULES)
        .effects, case="x",
    )  # fmt: skip
    assert row["estimate"] * row["hodges_lehmann"] < 0
    assert row["verdict"] == "no_overhead_within_margin"


def test_a_small_gain_is_within_the_margin_and_its_reason_excludes_the_tool() -> None:
    row = effect(analyze(*campaign(costs(-2, 0.2)), MARGINS, RULES).effects, case="x")
    assert row["verdict"] == "no_overhead_within_margin"
    assert "a gain of 2 % is no tool's doing" in row["reason"]


def test_planned_iterations_that_were_never_measured_are_not_counted() -> None:
    cells, samples = campaign(costs(1, 8, n=7) + costs(1, 8, n=5))
    later = pl.col("iteration") > 7
    cells = cells.with_columns(
        status=pl.when(later)
        .then(pl.lit("skipped"))
        .otherwise("status")
        .cast(cells["status"].dtype)
    )
    known = samples.filter(~later)
    ended = analyze(cells, known, MARGINS, SEQUENTIAL).effects
    assert effect(ended, case="x")["stopped"] == "campaign ended after 7 iterations"
    fixed = analyze(cells, known, MARGINS, RULES).effects
    assert effect(fixed, case="x")["stopped"] == "fixed design of 7 iterations"


def a_night_later(cells: pl.DataFrame, after: int) -> pl.DataFrame:
    """`cells` whose iterations beyond `after` were measured 20 h later."""
    pause = pl.when(pl.col("iteration") > after).then(pl.duration(hours=20))
    shift = pause.otherwise(pl.duration())
    return cells.with_columns(pl.col("started") + shift, pl.col("ended") + shift)


def test_nights_count_once_each_and_the_error_comes_from_their_spread() -> None:
    # nights of ln 0.90, ln 0.92 and of ln 0.94, ln 0.96: means a, b; t(0.975, 1) = 12.7062
    cells, samples = campaign([[("b", 100), ("x", 100 * r), ("b", 100)]
                               for r in (0.90, 0.92, 0.94, 0.96)])  # fmt: skip
    row = effect(analyze(a_night_later(cells, 2), samples, MARGINS, RULES).effects, case="x")
    a, b = np.log([0.90, 0.92]).mean(), np.log([0.94, 0.96]).mean()
    half = 12.706204736432095 * abs(a - b) / 2
    assert row["n"] == 2
    assert row["estimate"] == pytest.approx(-100 * math.expm1((a + b) / 2))
    assert row["ci_low"] == pytest.approx(-100 * math.expm1((a + b) / 2 + half))
    assert row["reason"].endswith("measured in 2 nights: each counts once")
    assert "with 2 nights" in row["reason"]


def test_a_case_of_one_night_counts_its_iterations_whatever_the_others_took() -> None:
    cells, samples = campaign(
        [[("b", 100), ("x", 90 + i), ("b", 100)] for i in range(3)]
        + [[("b", 100), ("y", 95 + i), ("b", 100)] for i in range(2)]
    )
    effects = analyze(a_night_later(cells, 3), samples, MARGINS, RULES).effects
    assert (effect(effects, case="x")["n"], effect(effects, case="y")["n"]) == (3, 2)
    assert "night" not in effect(effects, case="x")["reason"]


def test_a_long_iteration_is_no_night() -> None:
    # two cells of a case lie 6 h apart, and something was measured all the time
    busy = [("b", 100.0)] + [("z", 97.0), ("b", 100.0)] * 100
    order = [[("x", 90.0), *busy], [*busy, ("x", 91.0)], [("x", 89.0), *busy]]
    cells, samples = campaign([[("b", 100.0), *one, ("b", 100.0)] for one in order])
    row = effect(analyze(cells, samples, MARGINS, RULES).effects, case="x")
    assert row["n"] == 3


def test_every_effect_has_its_reason_in_both_languages() -> None:
    cells, samples = campaign([*costs(10, 0.5), [("x", 90.0)]])
    cells = where(cells, "status", "invalid", iteration=3, position=1)
    effects = analyze(cells, samples, MARGINS, RULES).effects
    assert not effects.is_empty()
    for row in effects.iter_rows(named=True):
        assert not chinese(row["reason"] + row["stopped"])
        assert not english_words(row["reason_zh"] + row["stopped_zh"])
