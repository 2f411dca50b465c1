"""The published framework's monitors of a tool, on the clock of the load.

Their lines carry the host's local time. Epoch seconds follow from a START_EPOCH noted beside them
or from sysstat 10, which writes epoch seconds itself. Without either, the host is assumed to be in
the time zone of the folders' stamps, and the cell's `clock` is `unaligned`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from ..model.errors import ParseError
from ..model.outcome import Interval, Sample, Window
from ..programs import logsize, pidstat
from .legacy_files import CaseKey, LegacyFile, LegacyTree, Role, stamp_s
from .tool_scalars import LogSizes, ResourceUse, log_growth, of_rows, series, sum_processes

_ZONE_STEP_S = 900
_DAY_S = 86400
_TOP = "top: mean since its start"  # top's first output is no mean over the window
_EPOCH = re.compile(r'START_EPOCH="?(\d+)')
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)((?:\s+\d+(?:\.\d+)?)*)\s*")


@dataclass(frozen=True, slots=True)
class Monitor:
    """All that the monitors of one case recorded."""

    node: str
    uses: tuple[ResourceUse, ...]
    sizes: LogSizes
    clock: str  # start_epoch | unaligned
    interval_s: float

    def cut(self, window: Window) -> tuple[Iterator[Sample], Iterator[Interval]]:
        """Scalars and series of the tool inside `window` (epoch seconds)."""
        samples = of_rows(self.uses, window, self.interval_s, self.node)
        growth = [log_growth(self.sizes, window, self.node)] if self.sizes else []
        points = series(self.uses, self.sizes, window, self.interval_s, self.node)
        return chain(samples, growth), points


@dataclass(frozen=True, slots=True)
class _HostClock:
    """What is known of a host's clock when one of its monitors' files is read."""

    start_epoch_s: float | None  # noted when the monitors were started
    zone_s: float | None  # offset from UTC of the folders' stamps
    stamp: str | None  # of the file

    def offset_s(self, first_local_s: float) -> float | None:
        """The host's offset from UTC; `first_local_s` was written just after the start."""
        if self.start_epoch_s is None:
            return self.zone_s
        return zone_s(first_local_s, self.start_epoch_s)


@dataclass(frozen=True, slots=True)
class _Recording:
    """What one monitor's file holds."""

    uses: Sequence[ResourceUse] = ()
    sizes: LogSizes = ()
    aligned: bool = False
    interval_s: float | None = None


def zone_s(local_s: float, epoch_s: float) -> float:
    """A zone's offset from UTC, from a local and an epoch time of nearly the same moment."""
    return round((local_s - epoch_s) / _ZONE_STEP_S) * _ZONE_STEP_S


def read(tree: LegacyTree, case: CaseKey, zone: float | None) -> Monitor | None:
    """The recordings of a case's monitors; None if there is none that can be read.

    `zone`: offset from UTC, in s, of the folders' stamps; None if unknown.
    """
    start = tree.first(tree.of(Role.EPOCH, case), _start_epoch)
    read_files: list[tuple[LegacyFile, _Recording]] = []
    for role, parser in _PARSERS.items():
        for file in tree.of(role, case):
            clock = _HostClock(start, zone, file.stamp)
            recording = tree.first([file], partial(parser, clock=clock))
            if recording is not None:
                read_files.append((file, recording))
    if not read_files:
        return None
    recordings = [recording for _, recording in read_files]
    intervals = [r.interval_s for r in recordings if r.interval_s is not None]
    return Monitor(
        node=read_files[0][0].node,
        uses=tuple(chain.from_iterable(r.uses for r in recordings)),
        sizes=tuple(chain.from_iterable(r.sizes for r in recordings)),
        clock="start_epoch" if any(r.aligned for r in recordings) else "unaligned",
        interval_s=intervals[-1] if intervals else 2.0,
    )


def _start_epoch(text: str, source: str) -> float:
    """From resource_monitor_timestamp_….txt."""
    if found := _EPOCH.search(text):
        return float(found[1])
    raise ParseError(source, "no START_EPOCH")


def _pidstat(text: str, source: str, clock: _HostClock) -> _Recording:
    recorded = pidstat.parse(text, source, clock.start_epoch_s)
    return _Recording(
        uses=sum_processes(_timed(recorded.rows, clock)),
        aligned=all(row.epoch_s is not None for row in recorded.rows),
        interval_s=recorded.interval_s,
    )


def _timed(
    rows: Sequence[pidstat.ProcessRow], clock: _HostClock
) -> Iterator[tuple[float, pidstat.ProcessRow]]:
    """Rows with their epoch seconds; the file's stamp gives the day of those that lack it."""
    started = 0.0 if clock.stamp is None else stamp_s(clock.stamp)
    midnight = started - started % _DAY_S
    for row in rows:
        if row.epoch_s is not None:
            yield row.epoch_s, row
        elif row.time_of_day_s is not None and clock.stamp and clock.zone_s is not None:
            next_day = _DAY_S if midnight + row.time_of_day_s < started - _DAY_S / 2 else 0
            yield midnight + row.time_of_day_s + next_day - clock.zone_s, row


def _log_size(text: str, source: str, clock: _HostClock) -> _Recording:
    sizes = logsize.parse(text, source)
    zone = clock.offset_s(sizes[0].local_s) if sizes else None
    if zone is None:
        return _Recording()
    return _Recording(sizes=[(size.local_s - zone, size.size_bytes) for size in sizes])


def _numbers(
    text: str,
    source: str,
    clock: _HostClock,
    columns: int,
    use: Callable[[float, list[float]], ResourceUse],
) -> _Recording:
    """A line per second: `<local time> <number> …` with at least `columns` numbers.

    A line that holds only the time was written after the tool had ended and is skipped. A last
    line without its newline is not read. ParseError for any other line.
    """
    lines = []
    for line in text[: text.rfind("\n") + 1].splitlines():
        match = _LINE.fullmatch(line)
        numbers = [float(number) for number in match[2].split()] if match else []
        if match is None or 0 < len(numbers) < columns:
            raise ParseError(source, f"not a time and {columns} numbers: {line[:80]!r}")
        if numbers:
            lines.append((logsize.local_seconds(match[1], source), numbers))
    zone = clock.offset_s(lines[0][0]) if lines else None
    if zone is None:
        return _Recording()
    return _Recording(uses=[use(at - zone, numbers) for at, numbers in lines], interval_s=1.0)


def _top_use(epoch_s: float, numbers: Sequence[float]) -> ResourceUse:
    return ResourceUse(epoch_s, numbers[0], None, None, _TOP)


def _ps_use(epoch_s: float, numbers: Sequence[float]) -> ResourceUse:
    vsz_kib, rss_kib, *_ = numbers
    return ResourceUse(epoch_s, None, rss_kib / 1024, vsz_kib / 1024, "ps")


_PARSERS: dict[Role, Callable[..., _Recording]] = {
    Role.PIDSTAT: _pidstat,
    Role.LOG_SIZE: _log_size,
    Role.TOP: partial(_numbers, columns=1, use=_top_use),
    Role.PS: partial(_numbers, columns=2, use=_ps_use),
}
