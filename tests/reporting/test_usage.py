"""The rule that says how long a tool may run, case by case."""

from typing import Any

import pytest

from tasks.reporting.usage import BANDS, LIMITS, Answer, band_of, usage


def effect(topic: str, low: float | None, high: float | None, **other: Any) -> dict[str, Any]:
    estimate = None if low is None or high is None else (low + high) / 2
    return {
        "topic": topic,
        "primary": topic in ("throughput", "latency", "pps"),
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
        "verdict": "overhead",
        "withheld": False,
    } | other


def test_the_upper_end_of_the_interval_decides() -> None:
    assert usage([effect("throughput", 1.0, 4.9)], "summary").answer is Answer.LONG
    assert usage([effect("throughput", 1.0, 5.1)], "summary").answer is Answer.WITH_FILTER


@pytest.mark.parametrize(
    ("topic", "high", "answer"),
    [
        ("latency", 19.0, Answer.WITH_FILTER),
        ("latency", 252.0, Answer.MINUTES),
        ("latency", 460.0, Answer.NOT_AT_ALL),
        ("throughput", 36.0, Answer.MINUTES),
        ("throughput", 61.0, Answer.NOT_AT_ALL),
        ("tool_cpu", 61.0, Answer.MINUTES),
        ("log", 29.0, Answer.MINUTES),
    ],
)
def test_the_worst_cost_is_the_tools(topic: str, high: float, answer: Answer) -> None:
    cheap = [effect("throughput", 0.0, 1.0), effect("pps", 0.0, 1.0)]
    given = usage([*cheap, effect(topic, high - 1, high)], "summary")
    assert given.answer is answer
    assert given.effect is not None and given.effect["topic"] == topic


def test_a_details_tool_is_never_better_than_with_a_filter() -> None:
    cheap = [effect("throughput", 0.0, 1.0)]
    assert usage(cheap, "summary").answer is Answer.LONG
    for tool_class in ("details_filtered", "details_unfiltered"):
        assert usage(cheap, tool_class).answer is Answer.WITH_FILTER


@pytest.mark.parametrize(
    ("doubt", "reason"),
    [
        ({"verdict": "invalid"}, "invalid"),
        ({"withheld": True}, "withheld"),
        ({"verdict": "implausible_gain"}, "gain"),
        ({"estimate": None, "ci_low": None, "ci_high": None}, "no_estimate"),
        ({"ci_low": None, "ci_high": None}, "no_interval"),
    ],
)
def test_doubt_about_one_measurement_decides_nothing(doubt: dict[str, Any], reason: str) -> None:
    rows = [effect("latency", 0.0, 1.0), effect("throughput", 0.0, 1.0, **doubt)]
    given = usage(rows, "summary")
    assert (given.answer, given.reason) == (Answer.UNDECIDED, reason)
    assert (given.count, given.total) == (1, 2)


def test_a_doubted_cpu_figure_withholds_the_answer_too() -> None:
    rows = [effect("latency", 0.0, 1.0), effect("tool_cpu", 0.0, 0.04, withheld=True)]
    assert usage(rows, "summary").reason == "withheld"


def test_nothing_measured_is_undecided() -> None:
    assert usage([], "summary").answer is Answer.UNDECIDED
    assert usage([effect("tool_cpu", 0.0, 0.1)], "summary").reason == "nothing"


def test_an_inconclusive_interval_across_two_bands_is_undecided_and_says_which() -> None:
    given = usage([effect("latency", -2.0, 30.0, verdict="inconclusive")], "summary")
    assert given.answer is Answer.UNDECIDED
    assert (given.best, given.worst) == (Answer.LONG, Answer.MINUTES)


def test_an_inconclusive_interval_inside_one_band_is_decided() -> None:
    given = usage([effect("latency", -2.0, 4.9, verdict="inconclusive")], "summary")
    assert given.answer is Answer.LONG


def test_a_cost_that_rules_the_tool_out_is_not_softened_by_an_open_one() -> None:
    rows = [
        effect("latency", 400.0, 420.0),
        effect("pps", -2.0, 30.0, verdict="inconclusive"),
    ]
    assert usage(rows, "details_unfiltered").answer is Answer.NOT_AT_ALL


@pytest.mark.parametrize("topic", sorted(LIMITS))
def test_limits_grow_from_band_to_band_and_hold_their_own_value(topic: str) -> None:
    limits = LIMITS[topic]
    assert list(limits) == sorted(set(limits))
    assert [band_of(topic, limit) for limit in limits] == list(BANDS[:3])
    assert band_of(topic, -50.0) is Answer.LONG


def test_noise_that_reaches_into_the_last_band_decides_nothing() -> None:
    noise = usage([effect("latency", -60.0, 400.0, verdict="inconclusive")], "summary")
    assert (noise.answer, noise.reason) == (Answer.UNDECIDED, "open")
    assert (noise.best, noise.worst) == (Answer.LONG, Answer.NOT_AT_ALL)
    beside = usage(
        [effect("throughput", 1.0, 2.0), effect("latency", -60.0, 400.0, verdict="inconclusive")],
        "summary",
    )
    assert beside.answer is Answer.UNDECIDED
