"""sockperf: every round trip is counted from the time at which its request was due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.model.errors import ParseError
from tasks.model.plan import Workload
from tasks.programs import sockperf

RATE = 1000
TRIP_S = 40e-6


def log(sent_s: list[float], answered: list[bool], trip_s: float = TRIP_S) -> str:
    """What `--full-log` writes for requests sent then; it numbers the answered ones only."""
    rows = [sent for sent, known in zip(sent_s, answered, strict=True) if known]
    head = (
        f"test was performed using the following parameters: --mps={RATE} --burst=1\n"
        f"sockperf: [Valid Duration] RunTime=1 sec; SentMessages={len(sent_s)}; "
        f"ReceivedMessages={len(rows)}\npacket, txTime(sec), rxTime(sec), latency(usec)\n"
    )
    lines = [f"{i}, {sent:.9f}, {sent + trip_s:.9f}, 20.000\n" for i, sent in enumerate(rows)]
    return "".join([head, *lines, "------------------------------\n"])


def parse(text: str, window_s: float = 1.0) -> sockperf.ScheduledTrips:
    return sockperf.parse(text, "x", warmup_s=0, window_s=window_s)


def on_schedule(count: int) -> list[float]:
    return [50 + index / RATE for index in range(count)]


def test_requests_on_time_take_their_round_trip():
    found = parse(log(on_schedule(1000), [True] * 1000))
    assert (found.requests, found.answers) == (1000, 1000)
    assert (found.mean_us, found.max_us) == pytest.approx((40, 40), abs=0.01)
    assert found.p90_us == pytest.approx(40, abs=0.01)
    assert (found.p99_us, found.p999_us) == (None, None)


def test_the_requests_that_a_stall_delays_are_in_the_distribution():
    sent = on_schedule(1000)
    sent = [max(time, 50.700) if time >= 50.500 else time for time in sent]  # 0.2 s, then at once
    found = parse(log(sent, [True] * 1000))
    assert found.max_us == pytest.approx(200_040, abs=1)
    assert found.p90_us == pytest.approx(100_040, abs=1_100)  # half of the 200 delayed ones
    assert found.p50_us == pytest.approx(40, abs=0.01)


def test_how_late_the_requests_were_sent_is_the_senders_own_part():
    sent = on_schedule(10_000)
    sent = [time + 0.0005 if index % 50 == 0 else time for index, time in enumerate(sent, 1)]
    found = parse(log(sent, [True] * 10_000), window_s=10)
    assert found.late_p99_us == pytest.approx(500, abs=0.1)
    assert found.p50_us == pytest.approx(40, abs=0.1)


def test_the_longest_gap_is_the_longest_time_without_an_answer():
    sent = on_schedule(1000)
    assert parse(log(sent, [True] * 1000)).gap_us == pytest.approx(1000, abs=1)
    lost = [not 400 <= index < 450 for index in range(1000)]
    assert parse(log(sent, lost)).gap_us == pytest.approx(51_000, abs=1)
    silent = [index < 900 for index in range(1000)]  # to the end of the window
    assert parse(log(sent, silent)).gap_us == pytest.approx(101_000, abs=100)


@given(st.sets(st.integers(1, 98)), st.integers(1, 94), st.integers(0, 4))
def test_unanswered_requests_do_not_shift_the_others(lost, stalled, stall):
    """Neither with a stall among them, if it ends before the log and its requests are answered."""
    sent = on_schedule(100)
    end = sent[stalled] + stall / RATE
    sent = [max(time, end) if index >= stalled else time for index, time in enumerate(sent)]
    answered = [i not in lost or stalled <= i <= stalled + stall + 1 for i in range(100)]
    found = parse(log(sent, answered), window_s=0.1)
    assert (found.requests, found.answers) == (100, sum(answered))
    assert found.max_us == pytest.approx(1e6 * stall / RATE + 40, abs=0.1)


def test_a_server_that_ends_early_shows_in_the_time_elapsed():
    found = parse(log(on_schedule(1000), [True] * 400 + [False] * 600))
    assert found.elapsed_s == pytest.approx(0.4)


@pytest.mark.parametrize("cut", [1, 30, 2000])
def test_a_cut_log_is_refused(cut):
    with pytest.raises(ParseError, match="cut"):
        parse(log(on_schedule(100), [True] * 100)[:-cut])


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), ("sockperf: No messages were received from the server.\n", "no answers")],
)
def test_a_log_without_answers_is_refused(text, reason):
    with pytest.raises(ParseError, match=reason):
        parse(text)


def test_the_client_sends_through_warm_up_and_window():
    workload = Workload(
        "t", "tail", "sockperf", "udp", window_s=3, affinity="1/0", requests_per_s=5000
    )
    argv = sockperf.client_argv(workload, "10.0.0.1", 20000)
    assert argv[argv.index("-t") + 1] == "5"
    assert argv[argv.index("--mps") + 1] == "5000"
    assert argv[argv.index("--sender-affinity") + 1] == "1"
