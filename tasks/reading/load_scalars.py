"""Scalars of a load from the output of its programs, for both kinds of results tree.

Windows, series and gates are the callers': the trees differ in when a test's processes start.
"""

from collections.abc import Sequence

from ..model.outcome import Sample
from ..programs import iperf3, netperf, sockperf
from .records import total

_LATENCIES = ("mean", "min", "p50", "p90", "p99", "max", "stddev")


def iperf3_samples(
    results: Sequence[iperf3.ClientResult], kind: str, length: int | None, server: str, client: str
) -> list[Sample]:
    """Throughput, packet rate and losses of one test, summed over its processes (at least one).

    `kind`: throughput or pps. `length`: bytes per write; None leaves out a TCP test's write rate.
    """
    received_bps = sum(result.received_bps for result in results)
    values: list[tuple[str, float | None, str]] = []
    if kind == "throughput":
        values.append(("throughput_bps", received_bps, server))
    if results[0].protocol == "tcp":
        if kind == "pps" and length:
            values.append(("writes_per_s", received_bps / (length * 8), server))
        values.append(("retransmits", total(result.retransmits for result in results), client))
    else:
        values.append(("datagrams_per_s", total(map(_datagrams_per_s, results)), server))
        values.append(("lost_pct", _lost_pct(results), server))
    return [Sample(metric, value, node, "iperf3") for metric, value, node in values]


def _datagrams_per_s(result: iperf3.ClientResult) -> float | None:
    return None if result.datagrams is None else result.datagrams / result.received_s


def _lost_pct(results: Sequence[iperf3.ClientResult]) -> float | None:
    """Datagrams lost, in % of those sent; None if none was sent."""
    lost = total(result.lost for result in results)
    received = total(result.datagrams for result in results)
    if lost is None or received is None or lost + received == 0:
        return None
    return 100 * lost / (lost + received)


def netperf_samples(trips: netperf.RoundTrips, client: str) -> list[Sample]:
    """Latencies and transaction rate; no sample for a column that netperf was not asked for."""
    values = {f"latency_{name}_us": getattr(trips, f"{name}_us") for name in _LATENCIES}
    values["transactions_per_s"] = trips.transactions_per_s
    return [
        Sample(metric, value, client, "netperf")
        for metric, value in values.items()
        if value is not None
    ]


def sockperf_samples(trips: sockperf.ScheduledTrips, client: str) -> list[Sample]:
    """Latencies and unanswered requests; no sample for a quantile with too few values beyond it."""
    values = {f"latency_{name}_us": getattr(trips, f"{name}_us") for name in _SCHEDULED}
    values["unanswered_pct"] = 100 * (1 - trips.answers / trips.requests)
    values["gap_max_us"] = trips.gap_us
    values["late_p99_us"] = trips.late_p99_us
    return [
        Sample(metric, value, client, "sockperf")
        for metric, value in values.items()
        if value is not None
    ]


_SCHEDULED = ("mean", "p50", "p90", "p99", "p999", "max")
