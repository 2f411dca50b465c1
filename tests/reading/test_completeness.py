"""The ledger: its terms add up to what occurred, and what nobody can see is missing, not 0."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.model.environment import Layer
from tasks.model.outcome import Ledger
from tasks.model.plan import Case, CaseKind, Events, PacketDirection
from tasks.programs.event_counts import Counters, EventCounts, MapUse
from tasks.programs.proc import InterfaceCounters, OpenProgram
from tasks.reading.completeness import ledger

TRACEPOINT, KPROBE, TRACING = 5, 2, 26
RULE = Events("^event", PacketDirection.RX)


def counters(
    packets: int = 0, misses: int | None = 0, type: int = TRACEPOINT,
    kernel: tuple[int, int] = (6, 12), kprobes: int | None = None,
) -> Counters:  # fmt: skip
    program = OpenProgram(7, type, "tag", None, None, misses)
    return Counters(kernel, {"eth0": InterfaceCounters(packets, 0)}, 0, {7: program}, kprobes)


def account(
    end: Counters, *, reported: int | None = 0, announced: int = 0, filtered: int | None = None,
    full: int = 0, command: str = "bpftrace x.bt", events: Events | None = RULE,
    emptied: bool = False,
) -> Ledger:  # fmt: skip
    start = replace(
        end,
        interfaces={"eth0": InterfaceCounters(0, 0)},
        programs={7: replace(end.programs[7], recursion_misses=0)},
        kprobe_misses=None if end.kprobe_misses is None else 0,
    )
    if end.programs[7].recursion_misses is None:
        start = replace(start, programs=end.programs)
    maps = (MapUse(1, 16, 16 if full else 3),)
    counts = EventCounts(start, end, announced, 0, reported, filtered, maps)
    case = Case(1, "x", CaseKind.TOOL, Layer.HOST, command, events=events)
    return ledger(counts, case, "eth0", "host", emptied=emptied)


@given(
    reported=st.integers(0, 10**9), filtered=st.integers(0, 10**6), lost=st.integers(0, 10**9),
    missed=st.integers(0, 10**6), unseen=st.integers(0, 10**6),
)  # fmt: skip
def test_the_terms_add_up_to_what_occurred(
    reported: int, filtered: int, lost: int, missed: int, unseen: int
):
    occurred = reported + filtered + lost + missed + unseen
    found = account(
        counters(occurred, missed), reported=reported, filtered=filtered, announced=lost
    )
    assert (found.unknown or 0) == unseen
    if occurred:
        assert found.lost_low_pct == pytest.approx(100 * (lost + missed) / occurred)
        assert found.lost_high_pct == pytest.approx(100 * (lost + missed + unseen) / occurred)


def test_more_reported_than_occurred_leaves_no_upper_bound():
    found = account(counters(1000), reported=2000)
    assert (found.unknown, found.lost_high_pct) == (None, None)
    assert found.reason and found.reason.startswith("it reported and lost more events")
    assert account(counters(1000), reported=1004).unknown == 0


def test_losses_of_before_are_not_this_loads():
    found = account(counters(1000), reported=900, announced=500)
    assert (found.lost, found.lost_low_pct, found.lost_high_pct) == (500, 10, None)


def test_silence_is_no_loss_only_of_a_tool_that_is_known_to_speak():
    other = replace(RULE, packets=None)
    assert account(counters(), reported=10, events=other).lost == 0
    silent = account(counters(), reported=10, events=other, command="python3 tool.py")
    assert (silent.lost, silent.lost_high_pct) == (None, None)
    spoke = account(counters(), reported=90, announced=10, events=other, command="python3 tool.py")
    assert (spoke.lost, spoke.lost_low_pct, spoke.lost_high_pct) == (10, 10, 10)


@pytest.mark.parametrize(
    ("end", "missed"),
    [
        (counters(misses=0), 0),
        (counters(misses=3), 3),
        (counters(misses=None), None),
        (counters(kernel=(6, 1)), None),  # counts misses of fentry alone
        (counters(kernel=(6, 1), type=TRACING), 0),
        (counters(type=KPROBE), None),  # the kprobe itself may have been missed
        (counters(type=KPROBE, kprobes=0), 0),
        (counters(type=KPROBE, kprobes=4), 4),
        (counters(kernel=(6, 1), type=KPROBE, kprobes=4), 4),
    ],
)
def test_misses_are_known_where_the_kernel_counts_them(end: Counters, missed: int | None):
    assert account(end).missed == missed


def test_a_full_map_hides_losses():
    found = account(counters(), reported=10, full=1, events=replace(RULE, packets=None))
    assert (found.lost_low_pct, found.lost_high_pct) == (0, None)
    assert account(counters(10), reported=10, full=1).lost_high_pct == 0  # the packets tell


def test_an_output_that_was_emptied_and_one_without_a_rule_tell_nothing():
    assert account(counters(10), reported=3, emptied=True).lost_low_pct is None
    found = account(counters(10), reported=None, events=None, command="python3 tool.py")
    assert (found.occurred, found.lost_low_pct, found.lost_high_pct) == (None, None, None)
    assert found.reason and found.reason_zh


def test_where_nothing_can_have_been_lost_the_number_of_events_does_not_matter():
    found = account(counters(), reported=None, events=None)
    assert (found.occurred, found.lost_low_pct, found.lost_high_pct) == (None, 0, 0)
    for other in (
        account(counters(), reported=None, events=None, full=1),
        account(counters(misses=None), reported=None, events=None),
    ):
        assert (other.lost_low_pct, other.lost_high_pct) == (None, None)
