"""Is the environment what it says? Judged where the truth is known."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tasks.statistics.baselines import baseline_series, blocks, unsteady_blocks
from tasks.statistics.decision_rules import DecisionRules
from tasks.statistics.differences import cell_values
from tasks.statistics.effects import Analysis, analyze
from tasks.statistics.simulate import (
    METRIC,
    WORKLOAD,
    Schedule,
    SimulatedHost,
    frames,
    log_values,
)

from ..languages import chinese, english_words
from .small_campaign import RULES, campaign, effect, simulated

MARGINS = {"throughput_bps": 3.0}
SIMULATED = DecisionRules(primary={WORKLOAD: METRIC})


def check(found: Analysis, rule: str) -> dict[str, object]:
    return found.calibration.filter(rule_id=f"calibration.{rule}").row(0, named=True)


def is_withheld(found: Analysis) -> bool:
    """Whether every verdict of the one run is withheld; else none is."""
    withheld = found.effects["reason"].str.starts_with("verdict withheld: ")
    assert withheld.all() or not withheld.any()
    return bool(withheld.any())


def analyzed(
    costs: dict[str, float], seed: int, iterations: int = 4, cost_at: dict[int, float] | None = None
) -> Analysis:
    return analyze(*simulated(costs, iterations, seed, cost_at=cost_at), MARGINS, SIMULATED)


def test_a_healthy_environment_passes_and_publishes_verdicts() -> None:
    found = analyzed({}, seed=1)
    assert check(found, "free_aa")["status"] == "passed"
    assert not is_withheld(found)
    assert "no_overhead_within_margin" in found.effects["verdict"].to_list()


def test_baselines_that_differ_by_their_place_withhold_every_verdict_but_no_interval() -> None:
    places = dict.fromkeys(range(5, 50, 10), 0.05)
    found = analyzed({"case_1": 20}, seed=1, cost_at=places)
    assert check(found, "free_aa")["status"] == "failed"
    assert is_withheld(found)
    row = effect(found.effects, case="case_1")
    assert (row["verdict"], row["ci_low"] > 10) == ("inconclusive", True)
    assert row["reason"].startswith("verdict withheld: calibration.free_aa failed")


def test_a_placebo_with_an_effect_withholds_the_verdicts() -> None:
    found = analyzed({"placebo_1": 6}, seed=1)
    states = found.calibration.filter(rule_id="calibration.placebo").sort("case")["status"]
    assert states.to_list() == ["failed", "passed"]
    assert is_withheld(found)


def test_real_overheads_of_many_tools_do_not_make_a_placebo_guilty() -> None:
    costs = {f"case_{i}": 20.0 for i in range(40)}
    failures = sum(is_withheld(analyzed(costs, seed)) for seed in range(10))
    assert failures == 0


def test_too_few_iterations_are_not_judged_and_withhold_nothing() -> None:
    found = analyzed({}, seed=1, iterations=1)
    assert check(found, "free_aa")["status"] == "not_judged"
    assert not is_withheld(found)


def after_tools(
    carried: float, seed: int, every: int = 4, host: SimulatedHost | None = None
) -> dict[str, object]:
    """The check of carry-over in a small lab of 12 tools, 6 iterations."""
    rng = np.random.default_rng(seed)
    schedule = Schedule.interleaved([f"case_{i}" for i in range(12)], 6, rng, every)
    y = log_values(schedule, {}, replace(host or SimulatedHost(), carry_over=carried), rng)
    return check(analyze(*frames(schedule, y), MARGINS, SIMULATED), "carry_over")


def test_what_tools_leave_behind_for_the_next_run_is_found() -> None:
    assert [after_tools(0.05, seed)["status"] for seed in range(8)] == ["failed"] * 8


def test_without_carry_over_the_check_passes_whatever_the_host_is_like() -> None:
    for host in (
        SimulatedHost(),
        SimulatedHost(outlier_rate=0.1),
        SimulatedHost(bimodal_rate=0.2),
        SimulatedHost(tau_s=400.0),
    ):
        found = [after_tools(0.0, seed, host=host)["status"] for seed in range(6)]
        assert found == ["passed"] * 6


def test_where_every_run_follows_a_baseline_carry_over_is_not_judged() -> None:
    found = after_tools(0.05, seed=1, every=1)
    assert (found["status"], found["severity"]) == ("not_judged", "informs")
    assert found["observed"] == "too few runs follow a tool (0) or a baseline (72)"


def steps(jump: float, tool: float = 90.0) -> tuple[pl.DataFrame, pl.DataFrame]:
    levels = [100, 101, 100, 101, 100, 101 + jump, 100, 101]
    slots: list[tuple[str, float | None]] = []
    for level in levels:
        slots += [("b", level), ("x", tool)]
    return campaign([slots])


def test_a_block_whose_baselines_jump_is_run_again() -> None:
    cells, samples = steps(jump=10)
    found = blocks(baseline_series(cell_values(cells, samples), RULES))
    assert unsteady_blocks(found, 1) == [("host", 8, 10), ("host", 10, 12)]


def test_a_jump_across_a_pause_is_no_block() -> None:
    cells, samples = steps(jump=10)
    night = pl.when(pl.col("position") >= 10).then(pl.duration(hours=17)).otherwise(pl.duration())
    later = cells.with_columns(pl.col("started") + night, pl.col("ended") + night)
    found = blocks(baseline_series(cell_values(later, samples), RULES))
    assert unsteady_blocks(found, 1) == [("host", 10, 12)]
    assert found.height == 6


def test_requeueing_is_blind_to_the_tools_result() -> None:
    plain, wild = (
        blocks(baseline_series(cell_values(*steps(jump=10, tool=tool)), RULES))
        for tool in (90.0, 1.0)
    )
    assert plain.equals(wild)


def test_usual_drift_is_no_jump() -> None:
    cells, samples = steps(jump=0.5)
    assert unsteady_blocks(blocks(baseline_series(cell_values(cells, samples), RULES)), 1) == []


def test_the_limit_is_four_scaled_mads_of_the_differences() -> None:
    # ln(101/100) is every difference but two: median size 0.00995, times 1.4826, times 4
    cells, samples = steps(jump=10)
    found = blocks(baseline_series(cell_values(cells, samples), RULES))
    assert abs(found["limit"][0] - 4 * 1.4826 * np.log(1.01)) < 1e-12


@pytest.mark.parametrize("iterations", [1, 6])
def test_every_check_speaks_both_languages(iterations: int) -> None:
    cells, samples = simulated({"case_0": 10}, iterations, 1, cases=6)
    for row in analyze(cells, samples, {METRIC: 3.0}, RULES).calibration.iter_rows(named=True):
        names = ("observed", "expected", "message", *(("advice",) if row["advice"] else ()))
        assert not chinese("".join(row[name] for name in names))
        assert not english_words(" ".join(row[f"{name}_zh"] for name in names))
