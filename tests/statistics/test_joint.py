"""All runs of a workload in one model: smaller errors, the same costs, intervals that cover."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from tasks.statistics.decision_rules import DecisionRules
from tasks.statistics.differences import cell_values, differences
from tasks.statistics.effects import analyze
from tasks.statistics.joint import MIN_DEGREES, adjusted_jointly
from tasks.statistics.simulate import (
    METRIC,
    WORKLOAD,
    Schedule,
    SimulatedHost,
    frames,
    log_values,
)

from .small_campaign import Frames, campaign, simulated, where

NAMES = [f"x{i}" for i in range(4)]
CASES = [f"case_{i}" for i in range(60)]


def before_and_after(data: Frames) -> tuple[pl.DataFrame, pl.DataFrame]:
    values = cell_values(*data)
    raw = differences(values)
    return raw, adjusted_jointly(raw, values)


def night(
    host: SimulatedHost,
    iterations: int,
    seed: int,
    costs: Mapping[str, float] | None = None,
    spoils: Mapping[str, float] | None = None,
    every: int = 4,
) -> Frames:
    rng = np.random.default_rng(seed)
    schedule = Schedule.interleaved(CASES, iterations, rng, every)
    return frames(schedule, log_values(schedule, costs or {}, host, rng, spoils=spoils or {}))


def spread_within(found: pl.DataFrame) -> float:
    """Mean variance of a case's differences."""
    return float(found.group_by("case").agg(pl.col("d").var())["d"].mean())  # type: ignore[arg-type]


def slots(rng: np.random.Generator, blocks: int = 40) -> list[list[tuple[str, float | None]]]:
    """Iterations of four cases between two baselines; noise of 1 %, cost of the cases 10 %."""

    def run(level: float) -> float:
        return float(level * np.exp(rng.normal(0, 0.01)))

    return [[("b", run(100)), *((n, run(90)) for n in NAMES), ("b", run(100))]
            for _ in range(blocks)]  # fmt: skip


def test_the_errors_shrink_and_the_costs_stay() -> None:
    found = [before_and_after(simulated({"case_7": 20.0}, 4, seed, cases=60)) for seed in range(5)]
    for case, truth in (("case_7", np.log(0.8)), ("case_8", 0.0)):
        means = [after.filter(case=case)["d"].mean() for _, after in found]
        assert np.mean(means) == pytest.approx(truth, abs=0.01)  # type: ignore[arg-type]
    ratios = [spread_within(raw) / spread_within(after) for raw, after in found]
    assert 1.2 < np.mean(ratios) < 1.7


@pytest.mark.parametrize("every", [4, 12])
def test_intervals_cover_the_cost_and_claim_no_more_than_the_errors(every: int) -> None:
    rules = DecisionRules(primary={WORKLOAD: METRIC})
    found = pl.concat(
        analyze(*night(SimulatedHost(), 4, seed, every=every), {METRIC: 3.0}, rules).effects
        for seed in range(12)
    )
    covered = pl.lit(0.0).is_between("ci_low", "ci_high").mean()
    claimed = (pl.col("se_log") ** 2).mean()
    error = (pl.col("estimate_log") ** 2).mean()
    shares = found.select(covered=covered, ratio=claimed / error).row(0, named=True)
    assert shares["covered"] > 0.93
    assert 0.85 < shares["ratio"] < 1.3


def test_what_every_tool_leaves_behind_is_taken_out() -> None:
    host = SimulatedHost(carry_over=0.05)
    found = [before_and_after(night(host, 8, seed)) for seed in range(4)]
    bias = np.mean([[raw["d"].mean(), after["d"].mean()] for raw, after in found], axis=0)
    assert bias[0] > 0.007  # tools look too cheap: the baselines are spoiled, some tools are not
    assert abs(bias[1]) < 0.003


def test_one_tool_that_spoils_the_run_after_it_costs_what_it_costs() -> None:
    spoiler = {"case_0": 0.05}
    means = []
    for seed in range(12):
        data = night(SimulatedHost(), 8, seed, costs={"case_0": 20.0}, spoils=spoiler)
        means.append([d.filter(case="case_0")["d"].mean() for d in before_and_after(data)])
    bias = np.mean(means, axis=0) - np.log(0.8)
    assert bias[0] > 0.005
    assert abs(bias[1]) < 0.004


def test_unsteady_tools_do_not_reach_the_others() -> None:
    wild = {f"case_{i}": 0.3 for i in range(0, 60, 6)}
    quiet = ~pl.col("case").is_in(list(wild))
    for seed in range(4):
        raw, after = before_and_after(simulated({}, 4, seed, cases=60, own_sd=wild))
        assert spread_within(after.filter(quiet)) < 0.95 * spread_within(raw.filter(quiet))
        own = spread_within(after.filter(~quiet)) / spread_within(raw.filter(~quiet))
        assert 0.95 < own < 1.2


def test_few_differences_tell_nothing_and_are_left_alone() -> None:
    raw, after = before_and_after(campaign(slots(np.random.default_rng(1), blocks=15)))
    assert MIN_DEGREES > 4 * (15 - 1)
    assert after["d"].to_list() == raw["d"].to_list()


def test_missing_stays_missing_and_a_single_value_stays_a_value() -> None:
    data = slots(np.random.default_rng(1))
    data[2][2] = ("x1", None)
    data[5].insert(3, ("once", 95.0))
    raw, after = before_and_after(campaign(data))
    assert after["d"].is_null().to_list() == raw["d"].is_null().to_list()
    assert after.filter(case="once")["d"].item() == pytest.approx(np.log(0.95), abs=0.04)
    assert after.columns == raw.columns and after["position"].to_list() == raw["position"].to_list()


def test_a_jump_of_the_level_between_two_epochs_is_no_drift() -> None:
    cells, samples = campaign(slots(np.random.default_rng(1)))
    late = pl.col("iteration") > 20
    cells = cells.with_columns(epoch=pl.when(late).then(pl.lit("b")).otherwise(pl.lit("a")))
    doubled = samples.with_columns(pl.when(late).then(2 * pl.col("value")).otherwise("value"))
    _, after = before_and_after((cells, doubled))
    _, calm = before_and_after((cells, samples))
    assert after["d"].to_list() == pytest.approx(calm["d"].to_list(), abs=1e-6)


def test_values_without_any_spread_keep_their_differences() -> None:
    data = [[(case, None if value is None else round(value, -1)) for case, value in iteration]
            for iteration in slots(np.random.default_rng(1))]  # fmt: skip
    raw, after = before_and_after(campaign(data))
    assert after["d"].to_list() == pytest.approx(raw["d"].to_list())


def test_a_tools_own_metric_has_no_baseline_and_no_drift() -> None:
    data = [[("b", None), *((name, 1.0 + i) for name in NAMES), ("b", None)] for i in range(30)]
    raw, after = before_and_after(campaign(data, metric="tool_cpu_pct"))
    assert after["d"].to_list() == raw["d"].to_list()


def test_the_slot_before_counts_even_if_its_cells_failed() -> None:
    cells, samples = campaign([[("b", 10.0), ("x", 9.0), ("y", 9.0), ("b", 10.0)]])
    values = cell_values(where(cells, "status", "invalid", case="x"), samples)
    assert values.sort("position")["follows_tool"].to_list() == [False, True, True]
