"""A tool's CPU, memory and log growth as scalars and series, for both kinds of results tree.

Times are epoch seconds. Where a recording's epoch seconds come from is the callers' business.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..model.outcome import Interval, Sample, Window
from ..programs import pidstat

LogSizes = Sequence[tuple[float, int]]
"""Epoch s and bytes of the tool's output, in the order of time."""


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """All processes of the tool together in the interval that ends at `epoch_s`.

    CPU in % of one CPU. None: the monitor does not record it, or no process has memory of its own.
    """

    epoch_s: float
    cpu_pct: float | None
    rss_mib: float | None
    vsz_mib: float | None
    source: str


def sum_processes(rows: Iterable[tuple[float, pidstat.ProcessRow]]) -> list[ResourceUse]:
    """Rows of pidstat with their epoch seconds, summed over the processes of each moment."""
    moments: dict[float, list[pidstat.ProcessRow]] = {}
    for epoch_s, row in rows:
        moments.setdefault(epoch_s, []).append(row)
    return [
        ResourceUse(
            epoch_s=epoch_s,
            cpu_pct=sum(row.cpu_pct for row in together),
            rss_mib=_sum_mib(row.rss_kib for row in together),
            vsz_mib=_sum_mib(row.vsz_kib for row in together),
            source="pidstat",
        )
        for epoch_s, together in sorted(moments.items())
    ]


def _sum_mib(sizes_kib: Iterable[int | None]) -> float | None:
    known = [kib for kib in sizes_kib if kib is not None]
    return sum(known) / 1024 if known else None


def inside(uses: Iterable[ResourceUse], window: Window, interval_s: float) -> list[ResourceUse]:
    """The intervals of which at least half lies in the window."""
    start, end = window.start + interval_s / 2, window.end + interval_s / 2
    return [use for use in uses if start <= use.epoch_s <= end]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_SCALARS: tuple[tuple[str, str, Callable[[Sequence[float]], float]], ...] = (
    # metric, field of ResourceUse, summary over the window
    ("tool_cpu_pct", "cpu_pct", _mean),
    ("tool_cpu_peak_pct", "cpu_pct", max),
    ("tool_rss_mib", "rss_mib", max),
    ("tool_vsz_mib", "vsz_mib", max),
)


def scalars(uses: Sequence[ResourceUse], sizes: LogSizes, node: str) -> Iterator[Sample]:
    """Mean and peak CPU, peak RSS and VSZ, and the growth of the output from its first to its last
    size; no sample for what was not recorded."""
    for metric, field, summary in _SCALARS:
        known = [(value, use.source) for use in uses if (value := getattr(use, field)) is not None]
        if known:
            yield Sample(metric, summary([value for value, _ in known]), node, known[0][1])
    if sizes and sizes[-1][0] > sizes[0][0]:
        (first_s, first_bytes), (last_s, last_bytes) = sizes[0], sizes[-1]
        grown_mib, minutes = (last_bytes - first_bytes) / 2**20, (last_s - first_s) / 60
        yield Sample("log_mib_per_min", grown_mib / minutes, node, "stat")


def series(
    uses: Iterable[ResourceUse], sizes: LogSizes, node: str, start_s: float
) -> Iterator[Interval]:
    """CPU, RSS and the output's size over time, in s since `start_s`."""
    for use in uses:
        t_s = use.epoch_s - start_s
        if use.cpu_pct is not None:
            yield Interval("tool_cpu_pct", node, t_s, use.cpu_pct, "% of one CPU")
        if use.rss_mib is not None:
            yield Interval("tool_rss_mib", node, t_s, use.rss_mib, "MiB")
    for epoch_s, size in sizes:
        yield Interval("log_bytes", node, epoch_s - start_s, float(size), "B")
