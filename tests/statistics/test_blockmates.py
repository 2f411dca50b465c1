"""What the cases of a block have in common is taken off each of them."""

import numpy as np
import polars as pl
import pytest

from tasks.statistics.blockmates import MIN_DEGREES, adjusted_for_blockmates
from tasks.statistics.differences import cell_values, differences

from .small_campaign import campaign, simulated

NAMES = [f"x{i}" for i in range(4)]


def spread_within(found: pl.DataFrame) -> float:
    """Mean variance of a case's differences."""
    return float(found.group_by("case").agg(pl.col("d").var())["d"].mean())  # type: ignore[arg-type]


def of_60_cases(seed: int, own_sd: dict[str, float] | None = None) -> pl.DataFrame:
    data = simulated({"case_7": 20.0}, 4, seed, cases=60, placebos=0, own_sd=own_sd)
    return differences(cell_values(*data))


def test_what_a_whole_block_shares_goes_and_the_mean_stays() -> None:
    # 8 iterations without noise; in one both baselines were 10 % too high. There every case and its
    # mates lie ln 1.1 · 7/8 below their means, elsewhere ln 1.1 / 8 above: β = 1, all that is left
    # is the mean
    slots = [[("b", 100.0), *((name, 90.0) for name in NAMES), ("b", 100.0)] for _ in range(8)]
    slots[3][0] = slots[3][-1] = ("b", 110.0)
    raw = differences(cell_values(*campaign(slots)))
    after = adjusted_for_blockmates(raw)
    mean = np.log(0.9) - np.log(1.1) / 8
    assert after["d"].to_list() == pytest.approx([mean] * 32)
    assert raw.filter(case="x0")["d"].mean() == pytest.approx(mean)
    assert after.columns == raw.columns and after["position"].to_list() == raw["position"].to_list()


def test_the_spread_falls_and_the_costs_stay() -> None:
    before = [of_60_cases(seed) for seed in range(5)]
    after = [adjusted_for_blockmates(found) for found in before]
    ratios = [spread_within(b) / spread_within(a) for a, b in zip(before, after, strict=True)]
    assert 0.75 < np.mean(ratios) < 0.95
    cost = [found.filter(case="case_7")["d"].mean() for found in after]
    assert np.mean(cost) == pytest.approx(np.log(0.8), abs=0.01)  # type: ignore[arg-type]


def test_unsteady_tools_do_not_reach_their_mates() -> None:
    wild = {f"case_{i}": 0.3 for i in range(0, 60, 6)}
    quiet = ~pl.col("case").is_in(list(wild))
    for seed in range(5):
        before = of_60_cases(seed, wild)
        ratio = spread_within(adjusted_for_blockmates(before).filter(quiet)) / spread_within(
            before.filter(quiet)
        )
        assert ratio < 1.03


def test_nothing_in_common_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    slots = [[("b", 100.0), *((n, 90 * np.exp(rng.normal(0, 0.01))) for n in NAMES), ("b", 100.0)]
             for _ in range(40)]  # fmt: skip
    raw = differences(cell_values(*campaign(slots)))
    assert (adjusted_for_blockmates(raw)["d"] - raw["d"]).abs().max() < 0.003  # type: ignore[operator]


def test_few_differences_tell_nothing_and_are_left_alone() -> None:
    slots = [[("b", 100.0), ("x", 90.0 + i), ("y", 91.0 + i), ("b", 100.0 + i)] for i in range(3)]
    raw = differences(cell_values(*campaign(slots)))
    assert MIN_DEGREES > 2 * (3 - 1)
    assert adjusted_for_blockmates(raw)["d"].to_list() == raw["d"].to_list()


def test_missing_stays_missing_and_a_single_value_stays_a_value() -> None:
    slots = [[("b", 100.0), *((name, 90.0 + i % 3) for name in NAMES), ("b", 100.0)]
             for i in range(9)]  # fmt: skip
    slots[2][2] = ("x1", None)
    slots[5].insert(3, ("once", 95.0))
    raw = differences(cell_values(*campaign(slots)))
    after = adjusted_for_blockmates(raw)
    assert after["d"].is_null().to_list() == raw["d"].is_null().to_list()
    assert after.filter(case="once")["d"].is_not_null().all()


def test_a_tools_own_metric_lies_in_no_block() -> None:
    slots = [[("b", None), *((name, 1.0 + i) for name in NAMES), ("b", None)] for i in range(9)]
    raw = differences(cell_values(*campaign(slots, metric="tool_cpu_pct")))
    assert adjusted_for_blockmates(raw)["d"].to_list() == raw["d"].to_list()
