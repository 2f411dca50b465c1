"""netperf request/response tests: latency of single round trips.

Columns are found by the names in the header line, so the published short form (minimum, mean,
maximum) and the full selection are both read. On a full disk netperf writes nothing and exits 0.

After a lost packet UDP_RR waits until the test's end, then reports elapsed time and mean as if
nothing had happened: only `busy_share` shows it. `-e 1` makes it send again after a second.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from ..model.errors import ParseError
from ..model.plan import Workload
from .strict import decimal

_COLUMNS = {
    "Elapsed Time (sec)": "elapsed_s",
    "Transaction Rate Tran/s": "transactions_per_s",
    "Minimum Latency Microseconds": "min_us",
    "Mean Latency Microseconds": "mean_us",
    "50th Percentile Latency Microseconds": "p50_us",
    "90th Percentile Latency Microseconds": "p90_us",
    "99th Percentile Latency Microseconds": "p99_us",
    "Maximum Latency Microseconds": "max_us",
    "Stddev Latency Microseconds": "stddev_us",
}
_SELECTION = (
    "THROUGHPUT,ELAPSED_TIME,TRANSACTION_RATE,MIN_LATENCY,MEAN_LATENCY,P50_LATENCY,P90_LATENCY,"
    "P99_LATENCY,MAX_LATENCY,STDDEV_LATENCY"
)


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """One request/response test. Microseconds; None where the column was not asked for."""

    mean_us: float
    min_us: float | None = None
    max_us: float | None = None
    p50_us: float | None = None
    p90_us: float | None = None
    p99_us: float | None = None
    stddev_us: float | None = None
    transactions_per_s: float | None = None
    elapsed_s: float | None = None

    @property
    def busy_share(self) -> float | None:
        """Share of the time that round trips fill: 1 without a stall. None without a rate."""
        if self.transactions_per_s is None:
            return None
        return self.transactions_per_s * self.mean_us / 1e6


def server_argv(port: int, bind: str) -> tuple[str, ...]:
    """A netserver in the foreground, which ends with its process group."""
    return ("netserver", "-D", "-4", "-p", str(port), "-L", bind)


def client_argv(
    workload: Workload, server_ip: str, port: int, *, duration_s: float
) -> tuple[str, ...]:
    """A TCP_RR or UDP_RR test of whole seconds, without a warm-up."""
    size = workload.length or 1
    affinity = ("-T", workload.affinity.replace("/", ",")) if workload.affinity else ()
    retry = ("-e", "1") if workload.protocol == "udp" else ()
    return (
        "netperf", "-H", server_ip, "-4", "-p", str(port), "-t", f"{workload.protocol.upper()}_RR",
        "-l", str(math.ceil(duration_s)), "-j", *affinity,
        "--", "-r", f"{size},{size}", *retry, "-o", _SELECTION,
    )  # fmt: skip


def parse(text: str, source: str) -> RoundTrips:
    """The output of `-o`. ParseError if it is empty, cut, or has no mean latency."""
    lines = text.splitlines(keepends=True)
    for header, values in pairwise(lines):
        if "Mean Latency Microseconds" in header:
            return _row(header, values, source)
    shown = " ".join(text.split())[:200]
    raise ParseError(source, f"no latencies in it: {shown}" if shown else "empty")


def _row(header: str, values: str, source: str) -> RoundTrips:
    names, cells = header.strip().split(","), values.strip().split(",")
    if not values.endswith("\n") or len(names) != len(cells):
        raise ParseError(source, f"cut: {len(cells)} values for {len(names)} columns")
    values_by_field = {
        _COLUMNS[name]: decimal(cell, name, source)
        for name, cell in zip(names, cells, strict=True)
        if name in _COLUMNS
    }
    if values_by_field["mean_us"] <= 0:
        raise ParseError(source, "mean latency is 0: no transaction completed")
    return RoundTrips(**values_by_field)
