"""The metrics: name, unit, which direction is better, how a cost is expressed."""

from dataclasses import dataclass
from enum import StrEnum


class Better(StrEnum):
    MORE = "more"
    LESS = "less"


class Scale(StrEnum):
    RATIO = "ratio"  # effects are taken on the logarithm and shown in percent
    DIFFERENCE = "difference"  # effects are differences in the metric's own unit


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    unit: str
    better: Better
    scale: Scale
    meaning: str


def _m(name: str, unit: str, better: Better, scale: Scale, meaning: str) -> Metric:
    return Metric(name, unit, better, scale, meaning)


_MORE, _LESS, _RATIO, _DIFF = Better.MORE, Better.LESS, Scale.RATIO, Scale.DIFFERENCE

METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        _m("throughput_bps", "bit/s", _MORE, _RATIO, "payload received in the window, all streams"),
        _m("writes_per_s", "1/s", _MORE, _RATIO,
           "64-byte TCP writes: received bits / (64*8); the published 'pps', not packets"),
        _m("datagrams_per_s", "1/s", _MORE, _RATIO, "UDP datagrams received, all streams"),
        _m("packets_per_s", "1/s", _MORE, _RATIO,
           "packets the server's test interface received, from its counters"),
        _m("client_packets_per_s", "1/s", _MORE, _RATIO,
           "packets the client's test interface sent, from its counters"),
        _m("interface_packets_per_s", "1/s", _MORE, _RATIO,
           "packets the server's test interface received and sent"),
        _m("lost_pct", "%", _LESS, _DIFF, "UDP datagrams lost of those sent"),
        _m("retransmits", "1", _LESS, _DIFF, "TCP segments retransmitted in the window"),
        _m("latency_mean_us", "us", _LESS, _RATIO, "mean round trip of a request and its response"),
        _m("latency_min_us", "us", _LESS, _RATIO, "shortest round trip"),
        _m("latency_p50_us", "us", _LESS, _RATIO, "median round trip"),
        _m("latency_p90_us", "us", _LESS, _RATIO, "90th percentile of the round trip"),
        _m("latency_p99_us", "us", _LESS, _RATIO, "99th percentile of the round trip"),
        _m("latency_p999_us", "us", _LESS, _RATIO, "99.9th percentile of the round trip"),
        _m("latency_max_us", "us", _LESS, _RATIO, "longest round trip"),
        _m("latency_stddev_us", "us", _LESS, _RATIO, "standard deviation of the round trip"),
        _m("unanswered_pct", "%", _LESS, _DIFF, "requests of the schedule without an answer"),
        _m("gap_max_us", "us", _LESS, _RATIO,
           "longest time in which no request that was due was answered"),
        _m("late_p99_us", "us", _LESS, _DIFF,
           "99th percentile of how late requests of the schedule were sent: the sender's own part"),
        _m("transactions_per_s", "1/s", _MORE, _RATIO, "request/response pairs per second"),
        _m("tool_cpu_pct", "% of one CPU", _LESS, _DIFF,
           "the tool's process tree, over the window, from the kernel's counters"),
        _m("tool_cpu_pidstat_pct", "% of one CPU", _LESS, _DIFF, "mean of its pidstat rows"),
        _m("tool_cpu_peak_pct", "% of one CPU", _LESS, _DIFF,
           "its highest pidstat row, of two or more"),
        _m("tool_rss_mib", "MiB", _LESS, _DIFF,
           "resident memory of its process tree, at the window's end"),
        _m("tool_rss_peak_mib", "MiB", _LESS, _DIFF,
           "its highest resident memory since the tool's start (VmHWM)"),
        _m("tool_vsz_mib", "MiB", _LESS, _DIFF,
           "virtual memory of its process tree, at the window's end"),
        _m("tool_ready_s", "s", _LESS, _DIFF, "from its start until it is attached"),
        _m("tool_start_cpu_s", "s", _LESS, _DIFF,
           "CPU time of its process tree from its start until it is attached"),
        _m("tool_start_rss_mib", "MiB", _LESS, _DIFF,
           "highest resident memory of its process tree until it is attached (VmHWM)"),
        _m("tool_maps_mib", "MiB", _LESS, _DIFF,
           "memory of the maps of its programs, as the kernel accounts for it"),
        _m("log_mib_per_min", "MiB/min", _LESS, _DIFF, "growth of the tool's output"),
        _m("server_cpu_pct", "% of one CPU", _LESS, _DIFF,
           "busy time of the server, all CPUs: what idle time, which is not sampled, leaves"),
        _m("client_cpu_pct", "% of one CPU", _LESS, _DIFF,
           "busy time of the client, all CPUs: what idle time, which is not sampled, leaves"),
        _m("server_softirq_pct", "% of one CPU", _LESS, _DIFF,
           "softirq time of the server, sampled by the tick, as user and system time are"),
        _m("client_softirq_pct", "% of one CPU", _LESS, _DIFF,
           "softirq time of the client, sampled by the tick, as user and system time are"),
        _m("server_user_pct", "% of one CPU", _LESS, _DIFF, "user time of the server"),
        _m("client_user_pct", "% of one CPU", _LESS, _DIFF, "user time of the client"),
        _m("server_system_pct", "% of one CPU", _LESS, _DIFF, "system time of the server"),
        _m("client_system_pct", "% of one CPU", _LESS, _DIFF, "system time of the client"),
        _m("server_cpu_ns_per_packet", "ns", _LESS, _RATIO, "busy CPU time per received packet"),
        _m("client_cpu_ns_per_packet", "ns", _LESS, _RATIO, "busy CPU time per sent packet"),
        _m("server_cpu_s_per_gbit", "s", _LESS, _RATIO, "busy CPU time per Gbit of payload"),
        _m("client_cpu_s_per_gbit", "s", _LESS, _RATIO, "busy CPU time per Gbit of payload"),
    )
}  # fmt: skip

PRIMARY: dict[tuple[str, str], str] = {
    ("throughput", "tcp"): "throughput_bps",
    ("throughput", "udp"): "throughput_bps",
    ("latency", "tcp"): "latency_mean_us",
    ("latency", "udp"): "latency_mean_us",
    ("pps", "tcp"): "writes_per_s",
    ("pps", "udp"): "datagrams_per_s",
    ("tail", "udp"): "latency_p99_us",
    ("load", "udp"): "datagrams_per_s",
    ("start", "udp"): "latency_p99_us",
}
"""(workload kind, protocol) -> the metric that decides the workload's verdict."""
