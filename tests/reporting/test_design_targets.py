"""Costs held against the published design targets."""

import pytest

from tasks.reporting.design_targets import Target, judge, target


@pytest.mark.parametrize(
    ("low", "high", "tool_class", "result"),
    [
        (1, 4, "summary", "meets"),
        (4, 6, "summary", "mostly_meets"),
        (5.1, 6, "summary", "does_not_meet"),
        (None, None, "summary", "unknown"),
        (14, 16, "details_filtered", "mostly_meets"),
        (20, 29, "details_unfiltered", "meets"),
        (31, 90, "details_unfiltered", "mostly_meets"),
    ],
)
def test_each_expectation_has_its_rule(
    low: float | None, high: float | None, tool_class: str, result: str
) -> None:
    designed = target(tool_class, "tool_cpu_pct")
    assert designed is not None
    assert judge(low, high, designed) == result


def test_the_targets_are_the_published_ones() -> None:
    assert target("summary", "latency_mean_us") == Target(5, None)
    assert target("details_unfiltered", "latency_mean_us") == Target(None, 70)
    assert target("summary", "throughput_bps") is None
