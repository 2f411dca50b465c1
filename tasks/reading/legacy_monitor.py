"""The published framework's monitors of a tool, brought onto the clock of the load.

Its lines carry the host's local time. Where it noted START_EPOCH (or sysstat 10 wrote epoch
seconds) that is resolved; elsewhere the host is taken to be in the zone of the folders' stamps,
and the cell's `clock` says `unaligned`. The first look of top gives the mean since the process
began, not of the window: the source of such a sample says so.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..model.errors import ParseError
from ..model.outcome import Interval, Sample, Window
from ..programs import logsize, pidstat
from .legacy_files import CaseKey, LegacyFile, Role, Tree

_ZONE_STEP_S = 900
_DAY_S = 86400
_TOP = "top: mean since its start"
_EPOCH = re.compile(r'START_EPOCH="?(\d+)')
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)((?:\s+\d+(?:\.\d+)?)+)\s*")


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """The tool at one moment. CPU in % of one CPU; None: this monitor does not look at it."""

    epoch_s: float
    cpu_pct: float | None
    rss_mib: float | None
    vsz_mib: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Monitor:
    """All that the monitors of one case tell."""

    node: str
    usages: tuple[ResourceUse, ...] = ()
    sizes: tuple[tuple[float, int], ...] = ()  # epoch s, bytes of the tool's output
    clock: str = "unaligned"
    interval_s: float = 2.0


def zone_s(local_s: float, epoch_s: float) -> float:
    """The offset of a zone from a local and an epoch time of (nearly) one moment."""
    return round((local_s - epoch_s) / _ZONE_STEP_S) * _ZONE_STEP_S


def stamp_s(stamp: str) -> float:
    """`20261122_130356` as seconds since 1970, as if local time were UTC."""
    return datetime.fromisoformat(stamp.replace("_", "T")).replace(tzinfo=UTC).timestamp()


def start_epoch(text: str, source: str) -> float:
    """From resource_monitor_timestamp_….txt."""
    if found := _EPOCH.search(text):
        return float(found[1])
    raise ParseError(source, "no START_EPOCH")


def read(tree: Tree, case: CaseKey, zone: float | None) -> Monitor | None:
    """What the monitors of a case saw; None where there is none that could be read.

    `zone`: offset from UTC, in s, of the folders' stamps; None where not known.
    """
    start = tree.first(tree.of(Role.EPOCH, case), start_epoch)
    monitor = None
    for role, reader in _READERS.items():
        for file in tree.of(role, case):
            so_far = monitor or Monitor(file.node)
            try:
                monitor = reader(tree, file, so_far, start, zone)
            except ParseError:
                continue  # the manifest says why
    return monitor


def _pidstat(
    tree: Tree, file: LegacyFile, so_far: Monitor, start: float | None, zone: float | None
) -> Monitor:
    recorded = tree.parse(file, lambda text, source: pidstat.parse(text, source, start))
    aligned = all(row.epoch_s is not None for row in recorded.rows)
    return replace(
        so_far,
        usages=(*so_far.usages, *from_pidstat(recorded, file.stamp, zone)),
        clock="start_epoch" if aligned else so_far.clock,
        interval_s=recorded.interval_s or so_far.interval_s,
    )


def _log_size(
    tree: Tree, file: LegacyFile, so_far: Monitor, start: float | None, zone: float | None
) -> Monitor:
    looks = tree.parse(file, logsize.parse)
    if looks and start is not None:  # noted on the same host, moments apart
        zone = zone_s(looks[0].local_s, start)
    if zone is None:
        return so_far
    sizes = tuple((look.local_s - zone, look.size_bytes) for look in looks)
    return replace(so_far, sizes=(*so_far.sizes, *sizes))


def _top(
    tree: Tree, file: LegacyFile, so_far: Monitor, start: float | None, zone: float | None
) -> Monitor:
    looks = tree.parse(file, lambda text, source: parse_stamped(text, source, 1))
    return _looks(so_far, start, zone, looks, lambda at, n: ResourceUse(at, n[0], None, None, _TOP))


def _ps(
    tree: Tree, file: LegacyFile, so_far: Monitor, start: float | None, zone: float | None
) -> Monitor:
    looks = tree.parse(file, lambda text, source: parse_stamped(text, source, 2))
    return _looks(
        so_far, start, zone, looks,
        lambda at, n: ResourceUse(at, None, n[1] / 1024, n[0] / 1024, "ps"),
    )  # fmt: skip


def _looks(
    so_far: Monitor,
    start: float | None,
    zone: float | None,
    looks: Sequence[tuple[float, list[float]]],
    usage: Callable[[float, list[float]], ResourceUse],
) -> Monitor:
    if looks and start is not None:
        zone = zone_s(looks[0][0], start)
    if zone is None:
        return so_far
    usages = tuple(usage(at - zone, numbers) for at, numbers in looks)
    return replace(so_far, usages=(*so_far.usages, *usages), interval_s=1.0)


_READERS = {Role.PIDSTAT: _pidstat, Role.LOG_SIZE: _log_size, Role.TOP: _top, Role.PS: _ps}


def from_pidstat(
    recorded: pidstat.Monitored, stamp: str | None, zone: float | None
) -> list[ResourceUse]:
    """One usage a moment, summed over processes. `stamp` gives the day where only times are."""
    started = 0.0 if stamp is None else stamp_s(stamp)
    midnight = started - started % _DAY_S
    moments: dict[float, list[pidstat.ProcessRow]] = {}
    for row in recorded.rows:
        at = row.epoch_s
        if at is None and row.time_of_day_s is not None and stamp and zone is not None:
            next_day = _DAY_S if midnight + row.time_of_day_s < started - _DAY_S / 2 else 0
            at = midnight + row.time_of_day_s + next_day - zone
        if at is not None:
            moments.setdefault(at, []).append(row)
    return [_sum(at, rows) for at, rows in sorted(moments.items())]


def _sum(at: float, rows: Sequence[pidstat.ProcessRow]) -> ResourceUse:
    rss = [row.rss_kib for row in rows if row.rss_kib is not None]
    vsz = [row.vsz_kib for row in rows if row.vsz_kib is not None]
    return ResourceUse(
        epoch_s=at,
        cpu_pct=sum(row.cpu_pct for row in rows),
        rss_mib=sum(rss) / 1024 if rss else None,
        vsz_mib=sum(vsz) / 1024 if vsz else None,
        source="pidstat",
    )


def parse_stamped(text: str, source: str, columns: int) -> list[tuple[float, list[float]]]:
    """Lines `<local time> <number> …` with at least `columns` numbers; ParseError for any other.

    A line that holds the time alone was written when the tool was gone: it is passed over. A last
    line without its newline is not read.
    """
    found = []
    for line in text[: text.rfind("\n") + 1].splitlines():
        match = _LINE.fullmatch(line)
        if match is None or len(match[2].split()) < columns:
            if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\s*", line):
                continue
            raise ParseError(source, f"not a time and {columns} numbers: {line[:80]!r}")
        numbers = [float(number) for number in match[2].split()]
        found.append((logsize.local_seconds(match[1], source), numbers))
    return found


def cut(monitor: Monitor, window: Window) -> tuple[list[Sample], list[Interval]]:
    """Scalars and series of the tool inside `window` (epoch seconds)."""
    half = monitor.interval_s / 2  # a row belongs to it if half of its interval lies inside
    inside = [u for u in monitor.usages if window.start + half <= u.epoch_s <= window.end + half]
    samples: list[Sample] = []
    cpu = [u for u in inside if u.cpu_pct is not None]
    if cpu:
        used = [u.cpu_pct for u in cpu if u.cpu_pct is not None]
        node, source = monitor.node, cpu[0].source
        samples.append(Sample("tool_cpu_pct", sum(used) / len(used), node, source))
        samples.append(Sample("tool_cpu_peak_pct", max(used), node, source))
    for metric, field in (("tool_rss_mib", "rss_mib"), ("tool_vsz_mib", "vsz_mib")):
        held = [(v, u.source) for u in inside if (v := getattr(u, field)) is not None]
        if held:
            samples.append(Sample(metric, max(held)[0], monitor.node, held[0][1]))
    sizes = [(at, size) for at, size in monitor.sizes if window.start <= at <= window.end]
    if sizes and sizes[-1][0] > sizes[0][0]:
        (first, small), (last, big) = sizes[0], sizes[-1]
        rate = (big - small) / 2**20 / ((last - first) / 60)
        samples.append(Sample("log_mib_per_min", rate, monitor.node, "stat"))
    return samples, _series(monitor, inside, sizes, window)


def _series(
    monitor: Monitor,
    inside: Sequence[ResourceUse],
    sizes: Sequence[tuple[float, int]],
    window: Window,
) -> list[Interval]:
    points = [
        Interval(series, monitor.node, u.epoch_s - window.start, value, unit)
        for series, field, unit in (
            ("tool_cpu_pct", "cpu_pct", "% of one CPU"),
            ("tool_rss_mib", "rss_mib", "MiB"),
        )
        for u in inside
        if (value := getattr(u, field)) is not None
    ]
    points += [
        Interval("log_bytes", monitor.node, at - window.start, float(size), "B")
        for at, size in sizes
    ]
    return points
