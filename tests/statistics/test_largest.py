"""The largest cost of a tool does not depend on how often it was measured."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.statistics.largest import LargestCost, cost_intervals, largest_cost

LIMIT = 5.0


def row(cost: float, se: float = 1.5, df: float = 60.0, **changes: Any) -> dict[str, Any]:
    """An effect on latency; cost and error in percent of the logarithm."""
    ends = 100 * np.expm1(np.array([cost - 2.0003 * se, cost, cost + 2.0003 * se]) / 100)
    costs = dict(zip(("ci_low", "estimate", "ci_high"), ends.tolist(), strict=True))
    place = {"case": "c", "workload": "latency_tcp_rr", "metric": "latency_mean_us"}
    return place | costs | {"estimate_log": cost / 100, "se_log": se / 100, "df": df} | changes


def measured(
    costs: Sequence[float], rng: np.random.Generator, se: float = 1.5
) -> list[dict[str, Any]]:
    return [row(cost + rng.normal(0, se), se) for cost in costs]


def below_limit(costs: Sequence[float], tools: int = 150) -> tuple[float, float]:
    """Share of tools found below the limit: by this interval, and by the highest of each case."""
    rng = np.random.default_rng(5)
    found = [measured(costs, rng) for _ in range(tools)]
    ours = np.mean([largest_cost(rows).high < LIMIT for rows in found])
    each = np.mean([max(r["ci_high"] for r in rows) < LIMIT for rows in found])
    return float(ours), float(each)


def test_one_case_keeps_its_own_interval() -> None:
    only = row(2.0)
    (interval,) = cost_intervals([only])
    ends = (interval.estimate, interval.low, interval.high)
    assert ends == (only["estimate"], only["ci_low"], only["ci_high"])
    assert largest_cost([only]) == LargestCost(only, *ends, 1)


def test_a_harmless_tool_with_many_cases_is_found_harmless() -> None:
    one, _ = below_limit([0.0])
    many, each = below_limit([0.0] * 17)
    assert each < 0.35 and many > 0.70 and one - many < 0.25


@pytest.mark.parametrize(("cost", "most"), [(5.5, 0.15), (6.0, 0.05), (7.5, 0.01)])
def test_one_costly_case_among_many_is_not_missed(cost: float, most: float) -> None:
    missed, _ = below_limit([cost, *[0.0] * 16])
    assert missed <= most


def test_the_lower_end_allows_for_the_pick() -> None:
    """17 cases that all cost 5 %: the lower end is rarely above it, the highest one often."""
    rng = np.random.default_rng(6)
    found = [measured([100 * np.log1p(LIMIT / 100)] * 17, rng) for _ in range(200)]
    assert np.mean([largest_cost(rows).low > LIMIT for rows in found]) <= 0.05
    assert np.mean([max(r["ci_low"] for r in rows) > LIMIT for rows in found]) > 0.2


def test_intervals_come_in_the_order_of_the_rows() -> None:
    rows = [row(cost) for cost in (0.0, 12.0, 0.5, 0.2)]
    highs = [interval.high for interval in cost_intervals(rows)]
    assert int(np.argmax(highs)) == 1 and largest_cost(rows).row is rows[1]
    assert cost_intervals([]) == []


def test_an_unsteady_case_borrows_nothing() -> None:
    unsteady = row(3.0, se=6.0)
    largest = largest_cost([*(row(0.0) for _ in range(8)), unsteady])
    assert largest.row is unsteady
    assert largest.high == pytest.approx(unsteady["ci_high"], rel=1e-3)


def test_workloads_do_not_borrow_from_each_other() -> None:
    other = row(2.0, workload="latency_udp_rr")
    largest = largest_cost([row(0.0), other])
    assert largest.row is other and largest.high == pytest.approx(other["ci_high"], rel=1e-3)


def test_more_is_better_metrics_are_turned() -> None:
    slower = row(0.0, metric="throughput_bps") | {"estimate_log": -0.10}
    faster = row(0.0, metric="throughput_bps") | {"estimate_log": 0.10}
    largest = largest_cost([slower, faster])
    assert largest.row is slower and largest.low > 0


def test_a_row_without_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="interval"):
        largest_cost([row(0.0), row(0.0) | {"se_log": None}])


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=12), st.randoms())
def test_the_interval_holds_the_estimate_and_the_order_does_not_matter(
    costs: list[float], random: Any
) -> None:
    rows = [row(cost, case=f"c{i}") for i, cost in enumerate(costs)]
    largest = largest_cost(rows)
    assert largest.low <= largest.estimate <= largest.high <= max(r["ci_high"] for r in rows) + 0.5
    for interval in cost_intervals(rows):
        assert interval.low <= interval.estimate <= interval.high
    random.shuffle(rows)
    again = largest_cost(rows)
    assert (again.low, again.high) == pytest.approx((largest.low, largest.high))
