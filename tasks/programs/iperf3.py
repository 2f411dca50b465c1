"""iperf3: one process per stream, each against a fresh one-shot server on a port of its own.

The meaning of its JSON was recorded from 3.12 under real losses (tests/data/iperf3/README.md): for
UDP `sum_received.bytes` is what the receiver counted in the window, but `lost_packets` includes
the losses of the omitted seconds (fixed in 3.13, github.com/esnet/iperf issue 1489), and `sum`
holds the sender's bytes. iperf3 exits 0 even when it failed.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from ..model.errors import ParseError
from ..model.plan import Workload
from .strict import field, load_json, mapping, number

_IDLE_TIMEOUT_SINCE = (3, 10)
_SUFFIX = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


@dataclass(frozen=True, slots=True)
class LoadInterval:
    """About one second as the sender counted it; times are relative to the window's start."""

    start_s: float
    end_s: float
    bps: float
    omitted: bool  # a second of the warm-up: its times are negative


@dataclass(frozen=True, slots=True)
class ClientResult:
    """One client process without its warm-up. The gates judge whether it is complete."""

    protocol: str  # tcp | udp
    started_epoch_s: float  # whole seconds, client's clock; the window starts warmup_s later
    warmup_s: float
    requested_s: float
    length: int  # bytes per write or datagram
    intervals: tuple[LoadInterval, ...]
    received_s: float
    received_bytes: int
    received_bps: float
    retransmits: int | None = None  # None for UDP, or if the sender did not report them
    datagrams: int | None = None  # received; None for TCP
    lost: int | None = None

    @property
    def empty_seconds(self) -> int:
        """Intervals of the window in which nothing was sent, without a last sliver of one."""
        return sum(
            interval.bps == 0 and not interval.omitted and interval.end_s - interval.start_s > 0.5
            for interval in self.intervals
        )


def server_argv(port: int, bind: str, *, version: str | None = None) -> tuple[str, ...]:
    """A server for one test on `port`. Unused, it ends by itself if its version supports that."""
    idle = ("--idle-timeout", "60") if _version(version) >= _IDLE_TIMEOUT_SINCE else ()
    return ("iperf3", "-s", "-1", "-p", str(port), "-B", bind, *idle)


def client_argv(
    workload: Workload, server_ip: str, port: int, *, streams_share: int = 1
) -> tuple[str, ...]:
    """One stream of `workload`, with one `streams_share`-th of its bandwidth."""
    argv = ["iperf3", "-J", "-c", server_ip, "-p", str(port)]
    argv += ["-t", str(math.ceil(workload.window_s))]
    if workload.warmup_s:
        argv += ["-O", str(math.ceil(workload.warmup_s))]
    if workload.protocol == "udp":
        argv += ["-u", "--udp-counters-64bit"]
    if workload.length is not None:
        argv += ["-l", str(workload.length)]
    if workload.bandwidth is not None:
        argv += ["-b", str(bits_per_second(workload.bandwidth) // streams_share)]
    elif workload.protocol == "udp":
        argv += ["-b", "0"]  # without it iperf3 paces UDP at 1 Mbit/s
    if workload.affinity is not None:
        argv += ["-A", workload.affinity.replace("/", ",")]
    return tuple(argv)


def bits_per_second(bandwidth: str) -> int:
    """`1G`, `30M`, `2.5m`, `800000` in bits per second. ValueError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", bandwidth.strip().upper())
    if match is None:
        raise ValueError(f"not a bandwidth: {bandwidth!r}; expected a number with K, M, G or T")
    return round(float(match[1]) * _SUFFIX[match[2]])


def parse_client(text: str, source: str) -> ClientResult:
    """The client's `-J` output. ParseError if it is cut, reports an error, or lacks a number."""
    report = load_json(text, source)
    if not isinstance(report, dict):
        raise ParseError(source, "not an iperf3 report")
    if "error" in report:
        raise ParseError(source, f"iperf3: {report['error']}")
    test = field(report, "start.test_start", source)
    protocol = str(field(test, "protocol", source)).lower()
    warmup_s = number(test, "omit", source)
    length = int(_positive(test, "blksize", source))
    end = mapping(report, "end", source)
    received = _tcp(end, source) if protocol == "tcp" else _udp(end, length, warmup_s, source)
    return ClientResult(
        protocol=protocol,
        started_epoch_s=number(report, "start.timestamp.timesecs", source),
        warmup_s=warmup_s,
        requested_s=number(test, "duration", source),
        length=length,
        intervals=_intervals(field(report, "intervals", source), warmup_s, source),
        **received,
    )


def _tcp(end: Any, source: str) -> dict[str, Any]:
    received, sent = (mapping(end, f"sum_{side}", source) for side in ("received", "sent"))
    return {
        "received_s": _positive(received, "seconds", source),
        "received_bytes": int(number(received, "bytes", source)),
        "received_bps": number(received, "bits_per_second", source),
        "retransmits": (
            int(number(sent, "retransmits", source)) if "retransmits" in sent else None
        ),
    }


def _udp(end: Any, length: int, warmup_s: float, source: str) -> dict[str, Any]:
    if "sum_received" in end:
        received = field(end, "sum_received", source)
        sent = int(number(end, "sum_sent.packets", source))
        datagrams = round(_positive(received, "bytes", source) / length)
        # A datagram in flight at either end of the window may be received in it and sent before.
        lost = max(0, sent - datagrams)
        seconds = _positive(received, "seconds", source)
    else:  # 3.1 reports no bytes of the receiver
        both = field(end, "sum", source)  # the sender's packets, the receiver's losses
        sent = int(number(both, "packets", source))
        lost = int(number(both, "lost_packets", source))
        if lost and warmup_s:
            raise ParseError(
                source, "this version counts losses of the omitted seconds: received unknown"
            )
        datagrams = sent - lost
        seconds = _positive(both, "seconds", source)
    if datagrams < 0:
        raise ParseError(source, f"more datagrams lost ({lost}) than sent ({sent})")
    return {
        "received_s": seconds,
        "received_bytes": datagrams * length,
        "received_bps": datagrams * length * 8 / seconds,
        "datagrams": datagrams,
        "lost": lost,
    }


def _intervals(listed: Any, warmup_s: float, source: str) -> tuple[LoadInterval, ...]:
    if not isinstance(listed, list):
        raise ParseError(source, "intervals is not a list")
    intervals = []
    for entry in listed:
        total = field(entry, "sum", source)
        omitted = bool(field(total, "omitted", source))
        shift_s = warmup_s if omitted else 0.0
        intervals.append(
            LoadInterval(
                start_s=number(total, "start", source) - shift_s,
                end_s=number(total, "end", source) - shift_s,
                bps=number(total, "bits_per_second", source),
                omitted=omitted,
            )
        )
    return tuple(intervals)


def _positive(record: Any, key: str, source: str) -> float:
    value = number(record, key, source)
    if value <= 0:
        raise ParseError(source, f"key {key} is not above zero: {value}")
    return value


def _version(text: str | None) -> tuple[int, ...]:
    """`3.12` or `iperf 3.12 (cJSON 1.7.15)` as (3, 12); (0,) if unknown."""
    match = re.search(r"(\d+)\.(\d+)", text or "")
    return (int(match[1]), int(match[2])) if match else (0,)
