"""sockperf under-load: round trips of requests that are sent on a fixed schedule (open loop).

A request/response test waits for each answer, so a stall holds back the requests that would have
met it and counts once. Here every request has its time; a round trip is counted from that time, so
the requests that a stall delays are in the distribution.

The sender waits actively: it takes one CPU of the client. Its log numbers the answered requests
only; which request of the schedule each row is follows from the times, because the sender is never
early and catches up after a stall.
"""

import math
import re
from dataclasses import dataclass
from itertools import accumulate, pairwise

from ..model.errors import ParseError
from ..model.plan import Workload
from .strict import decimal

OUTPUT_OPTION = "--full-log"
_MARGIN_S = 1.0  # sockperf leaves 0.4 s at the start and 0.05 s at the end out of its log
_WARM_UP_S = 0.4
_QUANTILE_TAIL = 100  # samples beyond a quantile, at least, for it to be given

_COUNTS = re.compile(r"\[Valid Duration\].* SentMessages=(\d+); ReceivedMessages=(\d+)")
_RATE = re.compile(r"--mps=(\d+)")
_ROW = re.compile(r"^(\d+), (\d+\.\d+), (\d+\.\d+), \d+\.\d+$", flags=re.MULTILINE)
_RULE = "------------------------------\n"


@dataclass(frozen=True, slots=True)
class ScheduledTrips:
    """The round trips in the window, each from the scheduled time of its request. Microseconds;
    None: too few samples beyond the quantile."""

    requests: int  # of the schedule in the window
    answers: int
    mean_us: float
    max_us: float
    p50_us: float | None
    p90_us: float | None
    p99_us: float | None
    p999_us: float | None
    gap_us: float  # the longest time in which none that was due was answered
    late_p99_us: float | None  # how late the requests were sent: what the sender itself adds
    elapsed_s: float  # from the window's first scheduled request to its last answered one


def server_argv(port: int, bind: str) -> tuple[str, ...]:
    """A server in the foreground; it answers until it is ended."""
    return ("sockperf", "server", "-i", bind, "-p", str(port))


def client_argv(workload: Workload, server_ip: str, port: int) -> tuple[str, ...]:
    """A UDP client that sends `workload.requests_per_s` through warm-up and window."""
    duration_s = math.ceil(workload.warmup_s + workload.window_s + _MARGIN_S)
    cpu = re.split("[,/]", workload.affinity)[0] if workload.affinity else None
    sender = () if cpu is None else ("--sender-affinity", cpu)
    return (
        "sockperf", "under-load", "-i", server_ip, "-p", str(port), "-t", str(duration_s),
        "--mps", str(workload.requests_per_s), "--reply-every", "1",
        "-m", str(workload.length or 64), *sender,
    )  # fmt: skip


def parse(text: str, source: str, *, warmup_s: float, window_s: float) -> ScheduledTrips:
    """The file that `--full-log` names. ParseError if it is cut or holds no answer.

    The window begins `warmup_s` after the start. A lost request is no round trip: see `answers`.
    """
    counts, rate = _COUNTS.search(text), _RATE.search(text)
    if counts is None or rate is None:
        shown = " ".join(text.split())[:200]
        raise ParseError(source, f"no answers in it: {shown}" if shown else "empty")
    interval_s = 1 / int(rate[1])
    rows = [
        (decimal(sent, "txTime", source), decimal(received, "rxTime", source))
        for _, sent, received in _ROW.findall(text)
    ]
    if len(rows) != int(counts[2]) or not text.endswith(_RULE):
        raise ParseError(source, f"cut: {len(rows)} rows for {counts[2]} answers")
    skipped = max(0, math.ceil((warmup_s - _WARM_UP_S) / interval_s))
    wanted = range(skipped, skipped + math.floor(window_s / interval_s))
    answered = [row for row in _scheduled(rows, interval_s) if row[0] in wanted]
    trips = sorted((received - due) * 1e6 for _, due, _, received in answered)
    late = sorted((sent - due) * 1e6 for _, due, sent, _ in answered)
    if not trips:
        raise ParseError(source, "no request of the window was answered")
    return ScheduledTrips(
        requests=len(wanted),
        answers=len(trips),
        mean_us=math.fsum(trips) / len(trips),
        max_us=trips[-1],
        p50_us=_quantile(trips, 0.5),
        p90_us=_quantile(trips, 0.9),
        p99_us=_quantile(trips, 0.99),
        p999_us=_quantile(trips, 0.999),
        gap_us=_longest_gap(answered, wanted, interval_s) * 1e6,
        late_p99_us=_quantile(late, 0.99),
        elapsed_s=(answered[-1][0] + 1 - skipped) * interval_s,
    )


def _scheduled(
    rows: list[tuple[float, float]], interval_s: float
) -> list[tuple[int, float, float, float]]:
    """Number in the schedule, scheduled time, sending and arrival of each answered request."""
    first = rows[0][0]
    late = [sent - first - index * interval_s for index, (sent, _) in enumerate(rows)]
    # An unanswered request delays all later rows by one interval, a stall only those until the
    # sender has caught up: what no later row undercuts was not answered.
    floor = [*accumulate(reversed(late), min)][::-1]
    unanswered = [math.floor(one / interval_s + _ROUNDING) for one in floor]
    return [
        (index + missing, first + (index + missing) * interval_s, sent, received)
        for index, (missing, (sent, received)) in enumerate(zip(unanswered, rows, strict=True))
    ]


def _longest_gap(
    answered: list[tuple[int, float, float, float]], wanted: range, interval_s: float
) -> float:
    """Seconds between two arrivals, the earliest possible arrival and the last due time of the
    window counted as such."""
    index, due, _, _ = answered[0]
    first = due - (index - wanted.start) * interval_s
    arrivals = sorted(received for _, _, _, received in answered)
    ends = [first, *arrivals, max(arrivals[-1], first + len(wanted) * interval_s)]
    return max(after - before for before, after in pairwise(ends))


_ROUNDING = 0.02  # of an interval: the schedule is kept in clock ticks


def _quantile(trips: list[float], share: float) -> float | None:
    """The nearest-rank quantile of sorted values; None with too few values beyond it."""
    beyond = round(len(trips) * (1 - share))
    return trips[len(trips) - beyond - 1] if beyond >= _QUANTILE_TAIL else None
