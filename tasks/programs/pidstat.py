"""pidstat: CPU and memory of processes, a row for each process and interval.

It is run with `ENV`. Columns are found by the names in the header, because versions differ: sysstat
10 writes epoch seconds, sysstat 12 the time of day. On a full disk pidstat writes nothing and
exits 0.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..model.errors import ParseError
from .strict import decimal

ENV = {"LC_ALL": "C", "S_TIME_FORMAT": "ISO", "TZ": "UTC"}

_DAY_S = 86400
_ZONE_STEP_S = 900  # every zone's offset is a multiple of a quarter of an hour
_NEEDED = {"PID", "%CPU", "VSZ", "RSS", "Command"}
_TIME = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\s+([AP])M)?\s+(.*)")
_EPOCH = re.compile(r"(\d{9,11})\s+(.*)")
_START = re.compile(r"START_EPOCH:\s*(\d+(?:\.\d+)?)\s+INTERVAL:\s*(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process in the interval that ends at `epoch_s`. CPU in % of one CPU."""

    epoch_s: float | None  # None: only the time of day is known
    time_of_day_s: float | None  # local time, counted on past midnight; None: epoch was written
    pid: int
    cpu_pct: float
    vsz_kib: int | None  # None: no memory of its own (a zombie or a kernel thread)
    rss_kib: int | None
    command: str


@dataclass(frozen=True, slots=True)
class Monitored:
    """A whole recording, in the order written."""

    rows: tuple[ProcessRow, ...]
    interval_s: float | None = None  # if the recording notes it


def argv(pids: Iterable[int], interval_s: float) -> tuple[str, ...]:
    """CPU and memory of `pids`, every `interval_s` rounded to whole seconds, until stopped."""
    listed = ",".join(str(pid) for pid in pids)
    return ("pidstat", "-h", "-u", "-r", "-p", listed, str(max(1, round(interval_s))))


def parse(text: str, source: str, start_epoch_s: float | None = None) -> Monitored:
    """Rows of `pidstat -h -u -r`, with repeated headers, banner and comments.

    `start_epoch_s` (or a comment `START_EPOCH: n INTERVAL: m`) turns times of day into epoch
    seconds, whatever the host's time zone. A last line without its newline is not read: a signal
    ends the monitor. ParseError for a row that does not fit its header, or if there is no row.
    """
    interval_s: float | None = None
    names: list[str] = []
    rows: list[ProcessRow] = []
    for line in text[: text.rfind("\n") + 1].splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            words = stripped.lstrip("# ").split()
            if words and words[0] == "Time" and "PID" in words:
                names = _header(words, source)
            elif start := _START.search(stripped):
                start_epoch_s = float(start[1]) if start_epoch_s is None else start_epoch_s
                interval_s = float(start[2])
        elif stripped and not stripped.startswith("Linux "):
            rows.append(_row(stripped, names, source))
    if not rows:
        raise ParseError(source, "no row of any process")
    return Monitored(tuple(_with_epoch(rows, start_epoch_s)), interval_s)


def _header(words: list[str], source: str) -> list[str]:
    if missing := _NEEDED - set(words):
        raise ParseError(source, f"header without {', '.join(sorted(missing))}")
    return words[1:]


def _row(line: str, names: list[str], source: str) -> ProcessRow:
    if not names:
        raise ParseError(source, f"a row before any header: {line[:80]!r}")
    epoch_s, time_of_day_s, rest = _time(line, source)
    cells = rest.split(maxsplit=len(names) - 1)
    if len(cells) != len(names):
        raise ParseError(source, f"{len(cells)} values for {len(names)} columns: {line[:80]!r}")
    row = dict(zip(names, cells, strict=True))
    vsz, rss = (int(decimal(row[name], name, source)) for name in ("VSZ", "RSS"))
    return ProcessRow(
        epoch_s=epoch_s,
        time_of_day_s=time_of_day_s,
        pid=int(decimal(row["PID"], "PID", source)),
        cpu_pct=decimal(row["%CPU"], "%CPU", source),
        vsz_kib=vsz or None,
        rss_kib=rss if vsz else None,
        command=row["Command"],
    )


def _time(line: str, source: str) -> tuple[float | None, float | None, str]:
    """Epoch seconds or seconds of the day, and the rest of the line."""
    if epoch := _EPOCH.match(line):
        return float(epoch[1]), None, epoch[2]
    if clock := _TIME.match(line):
        hour = int(clock[1]) % 12 + 12 * (clock[4] == "P") if clock[4] else int(clock[1])
        return None, hour * 3600.0 + int(clock[2]) * 60 + int(clock[3]), clock[5]
    raise ParseError(source, f"a row without a time: {line[:80]!r}")


def _with_epoch(rows: list[ProcessRow], start_epoch_s: float | None) -> Iterable[ProcessRow]:
    """Rows whose times count on past midnight, with epoch seconds if the start is known."""
    days, before, shift = 0, None, None
    for row in rows:
        if row.time_of_day_s is None:
            yield row
            continue
        if before is not None and row.time_of_day_s < before - _DAY_S / 2:
            days += 1
        before = row.time_of_day_s
        time_s = row.time_of_day_s + days * _DAY_S
        if start_epoch_s is not None and shift is None:
            # The first row comes seconds after the start, so the rest is the zone's offset.
            shift = round((start_epoch_s - time_s) / _ZONE_STEP_S) * _ZONE_STEP_S
        yield replace(row, time_of_day_s=time_s, epoch_s=None if shift is None else time_s + shift)
