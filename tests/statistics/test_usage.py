"""The rule that says how long a tool may run, case by case."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from tasks.statistics.usage import BANDS, LIMITS, Answer, Usage, band_of, usage

Row = dict[str, Any]


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
        ("throughput", 62.0, Answer.NOT_AT_ALL),
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


TRAFFIC = ("latency", "throughput", "pps")
VERDICTS = ("overhead", "overhead_unresolved", "inconclusive", "no_overhead_within_margin")


@st.composite
def judged(draw: st.DrawFn) -> Row:
    """A measured cost: an interval between places at and just above the limits of its topic."""
    topic = draw(st.sampled_from(sorted(LIMITS)))
    places = st.sampled_from([-20, 0, *(near for at in LIMITS[topic] for near in (at, 1.1 * at))])
    low, high = sorted((draw(places), draw(places)))
    low = draw(st.sampled_from((low, high)))  # half of them known exactly
    return effect(topic, low, high, verdict=draw(st.sampled_from(VERDICTS)))


@st.composite
def doubted(draw: st.DrawFn) -> Row:
    """A row that cannot be believed, or has no number."""
    topic = draw(st.sampled_from(TRAFFIC))
    doubts: list[Row] = [
        {"verdict": "invalid"},
        {"withheld": True},
        {"ci_low": None, "ci_high": None, "verdict": "inconclusive"},
        {"estimate": None, "ci_low": None, "ci_high": None, "verdict": "inconclusive"},
    ]
    return effect(topic, 1.0, 2.0) | draw(st.sampled_from(doubts))


GAIN = effect("latency", -9.0, -6.0, verdict="implausible_gain")
SOME = st.lists(judged(), min_size=1, max_size=4).map(
    lambda rows: [effect("throughput", -1.0, 1.0), *rows]
)
CLASSES = st.sampled_from((None, "summary", "details_filtered", "details_unfiltered"))


def at(rows: list[Row], ends: tuple[str, ...]) -> list[Row]:
    """Each cost known exactly: it is the given end of its interval."""
    return [
        row | {"estimate": row[end], "ci_low": row[end], "ci_high": row[end]}
        for row, end in zip(rows, ends, strict=True)
    ]


def all_answers(rows: list[Row], tool_class: str | None) -> set[Answer]:
    """What the answer would be if every cost were known, over all choices of its two ends."""
    choices = product(("ci_low", "ci_high"), repeat=len(rows))
    return {usage(at(rows, ends), tool_class).answer for ends in choices}


@settings(max_examples=300)
@for_all(SOME, CLASSES, st.booleans())
def test_the_same_answer_at_both_ends_of_every_interval_is_the_answer(
    rows: list[Row], tool_class: str | None, gain: bool
) -> None:
    rows = [*rows, GAIN] if gain else rows
    answers = all_answers(rows, tool_class)
    if len(answers) == 1:
        assert usage(rows, tool_class).answer in answers


@for_all(SOME, CLASSES)
def test_best_and_worst_are_attainable_and_hold_every_answer_between_them(
    rows: list[Row], tool_class: str | None
) -> None:
    given = usage(rows, tool_class)
    answers = all_answers(rows, tool_class)
    assert {given.best, given.worst} <= answers
    assert max(answers, key=BANDS.index) is given.worst


@for_all(SOME, CLASSES)
def test_undecided_means_that_an_interval_can_still_change_the_answer(
    rows: list[Row], tool_class: str | None
) -> None:
    given = usage(rows, tool_class)
    if given.answer is Answer.UNDECIDED:
        assert given.reason == "open"
        assert given.effect is not None
        topic = given.effect["topic"]
        low, high = (band_of(topic, given.effect[end]) for end in ("ci_low", "ci_high"))
        assert BANDS.index(low) <= BANDS.index(given.best) < BANDS.index(given.worst)
        assert high is given.worst


@for_all(st.lists(doubted() | judged() | st.just(GAIN), max_size=4), CLASSES)
def test_no_other_row_takes_back_a_cost_that_rules_the_tool_out(
    rows: list[Row], tool_class: str | None
) -> None:
    for proof in (effect("latency", 301.0, 310.0), effect("tool_cpu", 120.0, 130.0)):
        assert usage([*rows, proof], tool_class).answer is Answer.NOT_AT_ALL


@for_all(st.lists(doubted() | judged() | st.just(GAIN), max_size=4), CLASSES)
def test_only_a_lower_end_beyond_every_limit_rules_a_tool_out(
    rows: list[Row], tool_class: str | None
) -> None:
    given = usage(rows, tool_class)
    if given.answer is Answer.NOT_AT_ALL:
        assert given.effect is not None
        assert given.effect["ci_low"] > LIMITS[given.effect["topic"]][2]
        assert (given.effect["verdict"], given.effect["withheld"]) != ("invalid", True)


@for_all(SOME, CLASSES)
def test_the_deciding_row_keeps_the_limit_that_is_named_and_exceeds_the_one_below(
    rows: list[Row], tool_class: str | None
) -> None:
    given = usage(rows, tool_class)
    assert given.effect in rows
    if given.answer in BANDS:
        assert given.within is None or given.effect["ci_high"] <= given.within
        assert given.above is None or given.effect["ci_high"] > given.above
        assert (given.within, given.above) != (None, None)


@for_all(SOME, CLASSES, st.data())
def test_a_tool_that_costs_more_is_never_rated_better(
    rows: list[Row], tool_class: str | None, data: st.DataObject
) -> None:
    more = [
        row | {"ci_low": row["ci_low"] + by, "ci_high": row["ci_high"] + by}
        for row in rows
        for by in [data.draw(st.floats(0, 50))]
    ]
    before, after = usage(rows, tool_class), usage(more, tool_class)
    assert BANDS.index(after.worst) >= BANDS.index(before.worst)


def test_an_open_cost_does_not_take_back_a_worse_band_that_another_cost_settles() -> None:
    settled = effect("throughput", 6.3, 22.5)
    open_cost = effect("latency", 1.0, 15.0, verdict="inconclusive")
    given = usage([settled, open_cost], "summary")
    assert (given.answer, given.effect) == (Answer.MINUTES, settled)


def test_a_cost_of_uncertain_size_is_open() -> None:
    """`overhead_unresolved`: there is a cost, but the campaign goes on measuring it."""
    given = usage([effect("latency", 0.5, 6.0, verdict="overhead_unresolved")], "summary")
    assert (given.answer, given.reason) == (Answer.UNDECIDED, "open")
    assert (given.best, given.worst) == (Answer.LONG, Answer.WITH_FILTER)
    proven = usage([effect("latency", 3.5, 6.0, verdict="overhead")], "summary")
    assert proven.answer is Answer.WITH_FILTER


def test_an_upper_end_alone_rules_nothing_out() -> None:
    given = usage([effect("latency", 0.0, 301.0)], "summary")
    assert (given.answer, given.best, given.worst) == (
        Answer.UNDECIDED,
        Answer.LONG,
        Answer.NOT_AT_ALL,
    )


@pytest.mark.parametrize(("figure", "answer"), [(4.0, Answer.LONG), (900.0, Answer.UNDECIDED)])
def test_a_figure_without_interval_proves_nothing_but_is_not_passed_over(
    figure: float, answer: Answer
) -> None:
    single = effect("tool_cpu", None, None) | {"estimate": figure}
    given = usage([effect("latency", 0.0, 1.0), single], "summary")
    assert given.answer is answer
    assert (given.reason == "single_figure") == (answer is Answer.UNDECIDED)


def test_a_gain_is_an_answer_of_its_own_unless_something_else_costs() -> None:
    harmless, costly = effect("throughput", 0.0, 1.0), effect("throughput", 25.0, 30.0)
    faster = usage([harmless, GAIN], "summary")
    assert (faster.answer, faster.effect) == (Answer.FASTER, GAIN)
    assert usage([GAIN], "details_filtered").answer is Answer.FASTER
    assert usage([costly, GAIN], "summary").answer is Answer.MINUTES
    open_cost = effect("pps", 0.0, 30.0, verdict="inconclusive")
    assert usage([open_cost, GAIN], "summary").answer is Answer.UNDECIDED


def test_a_tool_without_traffic_may_still_be_ruled_out_by_its_cpu() -> None:
    assert usage([effect("tool_cpu", 150.0, 160.0)], None).answer is Answer.NOT_AT_ALL


def test_limits_of_an_answer_are_those_of_the_deciding_topic() -> None:
    def limits(given: Usage) -> tuple[float | None, float | None]:
        return given.above, given.within

    assert limits(usage([effect("latency", 1.0, 2.0)], "summary")) == (None, 5)
    assert limits(usage([effect("latency", 1.0, 2.0)], "details_filtered")) == (None, 5)
    assert limits(usage([effect("throughput", 21.0, 22.0)], "summary")) == (20, 60)
    assert limits(usage([effect("pps", 70.0, 72.0)], "summary")) == (60, None)
    assert limits(usage([], "summary")) == (None, None)


def error(row: Row, se: float) -> Row:
    """The latency effect with what its interval was computed from."""
    numbers = {"metric": "latency_mean_us", "workload": "latency_tcp_rr", "case": "c", "df": 60.0}
    return row | numbers | {"estimate_log": row["estimate"] / 100, "se_log": se / 100}


def test_many_harmless_cases_are_rated_like_one() -> None:
    one = error(effect("latency", -1.0, 5.0, verdict="inconclusive"), 1.5)
    noise = (-2.1, -1.3, -0.8, -0.3, 0.1, 0.4, 0.9, 1.5, 2.4)
    many = [
        error(effect("latency", by - 3.0, by + 3.0, verdict="inconclusive"), 1.5) for by in noise
    ]
    assert max(row["ci_high"] for row in many) > 5
    for rows in ([one], many):
        assert usage(rows, "summary").answer is Answer.LONG


def test_the_deciding_row_is_the_tools_largest_cost_and_says_of_how_many() -> None:
    costs = [error(effect("latency", by - 1.0, by + 1.0, case=by), 0.5) for by in (1.0, 2.0, 12.0)]
    given = usage(costs, "summary")
    assert given.answer is Answer.WITH_FILTER
    assert given.effect is not None
    assert (given.effect["largest_of"], given.effect["verdict"]) == (3, "overhead")
    assert 12.0 < given.effect["ci_high"] < 14.0


def test_a_settled_cost_stands_beside_the_open_cost_of_another_case() -> None:
    settled = error(effect("latency", 24.0, 26.0), 0.5)
    unsteady = error(effect("latency", -20.0, 60.0, verdict="inconclusive"), 20.0)
    given = usage([settled, unsteady], "summary")
    assert given.answer is Answer.MINUTES
    assert given.effect is not None
    assert 20 < given.effect["ci_high"] < 300


@pytest.mark.parametrize(("share", "said"), [(None, None), (0.0, None), (1.0, None), (12.0, 12.0)])
def test_a_tool_that_loses_events_keeps_its_answer_and_is_called_incomplete(
    share: float | None, said: float | None
) -> None:
    cheap = [effect("throughput", 0.0, 1.0), effect("pps", 0.0, 1.0, lost_low_pct=share)]
    given = usage(cheap, "summary")
    assert (given.answer, given.lost_pct) == (Answer.LONG, said)
