"""Interim analyses, and which cases need no more of them."""

import polars as pl
import pytest

from tasks.statistics.decision_rules import ANALYSES, DecisionRules, analyses_until
from tasks.statistics.effects import analyze
from tasks.statistics.sequential import end_reason, stopping
from tasks.statistics.simulate import METRIC, WORKLOAD

from .small_campaign import campaign, effects, simulated

RULES = DecisionRules(primary={WORKLOAD: METRIC}, analyses=ANALYSES)


def test_each_analysis_has_a_level_of_its_own_and_a_fixed_design_all_of_it() -> None:
    found = [RULES.at(n).test_alpha for n in ANALYSES]
    assert all(0.01 < level < 0.03 for level in found)
    assert RULES.test_alpha == found[-1]
    assert DecisionRules().test_alpha == DecisionRules().at(4).test_alpha == 0.05
    assert RULES.at(20).test_alpha == found[-1]  # measured beyond its cap: nothing more is spent


def test_an_interval_is_as_wide_as_the_test_of_its_analysis_and_never_below_95_percent() -> None:
    assert [RULES.at(n).interval_tail for n in ANALYSES] == [
        RULES.at(n).test_alpha for n in ANALYSES
    ]
    assert DecisionRules().interval_tail == 0.025


@pytest.mark.parametrize(
    ("done", "analyses"),
    [(2, (2,)), (3, (3,)), (7, (3, 4, 5, 6, 7)), (8, (3, 4, 5, 6, 8)), (12, ANALYSES)],
)
def test_the_last_iteration_is_always_analysed_and_never_as_one_more_analysis(
    done: int, analyses: tuple[int, ...]
) -> None:
    assert RULES.taken(done) == analyses
    assert len(analyses) <= len(ANALYSES)


@pytest.mark.parametrize(
    ("cap", "analyses"), [(12, ANALYSES), (7, (3, 4, 5, 6, 7)), (5, (3, 4, 5)), (3, (3,))]
)
def test_a_smaller_cap_has_fewer_analyses_and_its_last_iteration_is_one(
    cap: int, analyses: tuple[int, ...]
) -> None:
    assert analyses_until(cap) == analyses


def test_a_case_stops_running_a_workload_once_its_primary_metric_there_is_decided() -> None:
    rows = effects(
        {"workload": "w", "verdict": "overhead"},
        {"workload": "v", "verdict": "inconclusive"},
        {"workload": "u", "verdict": "no_overhead_within_margin"},
    )
    stops = stopping(rows, 6)
    assert stops["workload"].to_list() == ["w", "u"]
    assert set(stops["stopped"]) == {"decided after 6 iterations"}


@pytest.mark.parametrize("verdict", ["inconclusive", "overhead_unresolved", "implausible_gain"])
def test_a_workload_goes_on_while_its_primary_metric_is_open(verdict: str) -> None:
    assert stopping(effects({"verdict": verdict}), 4).is_empty()


def test_other_metrics_do_not_keep_a_case() -> None:
    rows = effects({"verdict": "overhead"}, {"verdict": "inconclusive", "primary": False})
    assert stopping(rows, 4).height == 1


def test_a_case_that_is_never_valid_is_given_up() -> None:
    (reason,) = stopping(effects({"verdict": "invalid"}), 4)["stopped"]
    assert reason == "no valid cell in 4 iterations: more would not help"


def test_placebos_are_measured_to_the_end() -> None:
    row = {"case": "placebo_1", "kind": "placebo", "verdict": "no_overhead_within_margin"}
    assert stopping(effects(row), 4).is_empty()


def test_why_measuring_ended_is_said() -> None:
    assert end_reason(RULES, 12).en == "cap of 12 iterations reached"
    assert end_reason(RULES, 7).en == "campaign ended after 7 iterations"
    assert end_reason(DecisionRules(), 7).en == "fixed design of 7 iterations"


def test_decided_cases_are_listed_for_the_schedule() -> None:
    cells, samples = simulated({"case_0": 10}, 4, 1, cases=30, placebos=0)
    found = analyze(cells, samples, {METRIC: 3.0}, RULES)
    assert "case_0" in found.decided["case"].to_list()
    assert analyze(cells, samples, {METRIC: 3.0}, DecisionRules(RULES.primary)).decided.is_empty()


def test_a_decided_case_that_leaves_the_schedule_keeps_its_verdict() -> None:
    cells, samples = simulated({"case_0": 10}, 8, 2, cases=30, placebos=0)
    stays = ~((pl.col("case") == "case_0") & (pl.col("iteration") > ANALYSES[0]))
    whole = analyze(cells, samples, {METRIC: 3.0}, RULES).effects.filter(case="case_0")
    left = analyze(cells.filter(stays), samples, {METRIC: 3.0}, RULES).effects
    assert left.filter(case="case_0")["verdict"].to_list() == ["overhead"]
    assert whole["n"].to_list() == left.filter(case="case_0")["n"].to_list() == [ANALYSES[0]]


def gaining(values: list[float]) -> tuple[str, str, str, int]:
    """Verdict, reason, why it stopped and n of a case with these values beside baselines of 100."""
    slots = [[("b", 100.0), ("x", value), ("b", 100.0)] for value in values]
    found = analyze(*campaign(slots), {METRIC: 3.0}, RULES).effects
    row = found.row(0, named=True)
    return row["verdict"], row["reason"], row["stopped"], row["n"]


def decided_stays(values: list[float]) -> pl.DataFrame:
    slots = [[("b", 100.0), ("x", value), ("b", 100.0)] for value in values]
    found = analyze(*campaign(slots), {METRIC: 3.0}, RULES)
    assert found.effects["stopped"].to_list() == ["decided after 3 iterations"]
    return found.calibration.filter(rule_id="calibration.decided_stays")


SAME = [100.0, 100.1, 99.9]


def test_a_decided_case_that_is_measured_on_and_comes_out_the_other_way_is_a_finding() -> None:
    (row,) = decided_stays([*SAME, *[88.0, 88.1, 87.9] * 3]).iter_rows(named=True)
    assert (row["status"], row["severity"], row["case"]) == ("failed", "warns", "x")
    assert row["observed"].startswith("3 iterations: ") and "; 12 iterations: " in row["observed"]


def test_a_decided_case_that_nothing_contradicts_is_no_finding() -> None:
    for values in (SAME, SAME * 4):
        assert decided_stays(values).select("status", "observed").rows() == [("passed", "0/1")]


UP = [106.0, 106.1, 105.9, 106.0, 106.1, 105.9]


def test_a_gain_is_measured_afresh_and_published_where_it_stays() -> None:
    verdict, reason, stopped, n = gaining(UP)
    assert (verdict, stopped, n) == ("implausible_gain", "decided after 6 iterations", 3)
    assert reason.endswith("; confirmed on 3 further iterations, judged on these alone")


def test_a_gain_that_does_not_come_again_is_judged_on_the_fresh_iterations_alone() -> None:
    verdict, _, stopped, n = gaining([*UP[:3], 100.0, 100.1, 99.9])
    assert (verdict, stopped, n) == ("no_overhead_within_margin", "decided after 6 iterations", 3)


def test_a_gain_that_nobody_measured_again_says_so() -> None:
    verdict, reason, stopped, _ = gaining(UP[:3])
    assert (verdict, stopped) == ("implausible_gain", "campaign ended after 3 iterations")
    assert reason.endswith("; not measured again")
