"""A tool's CPU, memory and log growth as scalars and series, for both kinds of results tree.

All of it is cut to the window. A scalar that a monitor recorded, but not often enough inside the
window, is missing, with the reason. Times are epoch seconds; where a recording's epoch seconds come
from is the callers' business.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..model.bilingual import Bilingual
from ..model.outcome import Interval, Sample, Window
from ..programs import pidstat

LogSizes = Sequence[tuple[float, int]]
"""Epoch s and bytes of the tool's output, in the order of time."""

_SPANNED = 1 / 3
"""The log's sizes must span this share of the window: a shorter span says little about it."""

_NO_ROW = Bilingual(
    "none of {rows} rows lies in the window by half of its interval",
    "{rows} 行记录中，没有一行有至少半个采样间隔落在测量窗口内",
)
_ONE_ROW = Bilingual(
    "a peak needs two rows in the window; it holds one of {rows}",
    "峰值至少需要测量窗口内有 2 行记录，{rows} 行中仅有 1 行在窗口内",
)
_FEW_SIZES = Bilingual(
    "{n} of {sizes} sizes of the output lie in the window, "
    "over {spanned_s:.1f} s of {wanted_s:.1f} s",
    "{sizes} 个输出大小采样中有 {n} 个落在测量窗口内，"
    "跨度 {spanned_s:.1f} 秒（窗口 {wanted_s:.1f} 秒）",
)


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


_SCALARS: tuple[tuple[str, str, Callable[[Sequence[float]], float], int], ...] = (
    # metric, field of ResourceUse, summary over the window, rows that it needs
    ("tool_cpu_pct", "cpu_pct", _mean, 1),
    ("tool_cpu_peak_pct", "cpu_pct", max, 2),
    ("tool_rss_mib", "rss_mib", max, 1),
    ("tool_vsz_mib", "vsz_mib", max, 1),
)


def of_rows(
    recorded: Sequence[ResourceUse], window: Window, interval_s: float, node: str
) -> Iterator[Sample]:
    """Mean and peak CPU, peak RSS and VSZ over the monitor's rows in the window, n of them.

    No sample of a quantity that was not recorded at all.
    """
    within = inside(recorded, window, interval_s)
    for metric, field, summary, needed in _SCALARS:
        sources = [use.source for use in recorded if getattr(use, field) is not None]
        known = [value for use in within if (value := getattr(use, field)) is not None]
        if len(known) >= needed:
            yield Sample(metric, summary(known), node, sources[0], n=len(known))
        elif sources:
            why = (_ONE_ROW if known else _NO_ROW).format(rows=len(sources))
            yield missing(metric, node, sources[0], len(known), why)


def missing(metric: str, node: str, source: str, n: int, why: Bilingual) -> Sample:
    """A scalar without a value, with the reason in both languages."""
    return Sample(metric, None, node, source, n=n, reason=why.en, reason_zh=why.zh)


def log_growth(recorded: LogSizes, window: Window, node: str) -> Sample:
    """Growth of the tool's output between the first and the last of n sizes in the window.

    Missing if they are fewer than two, or span less than a third of it.
    """
    sizes = _within(recorded, window)
    n, spanned_s = len(sizes), sizes[-1][0] - sizes[0][0] if sizes else 0.0
    wanted_s = window.end - window.start
    if spanned_s <= 0 or spanned_s < _SPANNED * wanted_s:
        why = _FEW_SIZES.format(n=n, sizes=len(recorded), spanned_s=spanned_s, wanted_s=wanted_s)
        return missing("log_mib_per_min", node, "stat", n, why)
    grown_mib = (sizes[-1][1] - sizes[0][1]) / 2**20
    return Sample("log_mib_per_min", grown_mib / (spanned_s / 60), node, "stat", n=n)


def _within(sizes: LogSizes, window: Window) -> LogSizes:
    return [size for size in sizes if window.start <= size[0] <= window.end]


def series(
    recorded: Iterable[ResourceUse],
    sizes: LogSizes,
    window: Window,
    interval_s: float,
    node: str,
) -> Iterator[Interval]:
    """CPU, RSS and the output's size over the window, in s since its start."""
    for use in inside(recorded, window, interval_s):
        t_s = use.epoch_s - window.start
        if use.cpu_pct is not None:
            yield Interval("tool_cpu_pct", node, t_s, use.cpu_pct, "% of one CPU")
        if use.rss_mib is not None:
            yield Interval("tool_rss_mib", node, t_s, use.rss_mib, "MiB")
    for epoch_s, size in _within(sizes, window):
        yield Interval("log_bytes", node, epoch_s - window.start, float(size), "B")
