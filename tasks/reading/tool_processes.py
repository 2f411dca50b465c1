"""A tool's CPU time and memory from /proc: of its whole process tree, over exactly the window.

The kernel's counters of a process do not depend on when a monitor looks. They are read in the
snapshots at both ends of the window, so one second is as good as a minute, up to the resolution.
"""

from collections.abc import Iterator, Mapping, Sequence

from ..model.bilingual import Bilingual
from ..model.outcome import Sample
from ..programs.proc import USER_HZ, Memory, Process
from ..programs.snapshot import Snapshot
from ..storage.rawtree import ToolRecord
from .tool_scalars import missing

_STAT, _STATUS = "/proc/PID/stat", "/proc/PID/status"
_STEPS = 2
"""User and system time are each cut to whole ticks, so a process's sum is up to two ticks short."""

_NO_LENGTH = Bilingual("the window has no length", "测量窗口长度为零")
_NOT_THE_SAME = Bilingual(
    "its process {pid} is not the same at both ends of the window",
    "测量窗口首尾的进程 {pid} 不是同一个进程",
)
_ENDED = Bilingual(
    "process {pid} ({command}) ended, and its CPU time was lost",
    "进程 {pid}（{command}）已退出，其 CPU 时间丢失",
)
_CHILDREN_LOST = Bilingual(
    "the CPU time of children that ended was lost", "已退出子进程的 CPU 时间丢失"
)


def cpu(start: Snapshot, end: Snapshot, tools: Sequence[ToolRecord], node: str) -> Sample:
    """CPU of the tools' processes between two snapshots: user and system time, and that of children
    that ended and were waited for. In % of one CPU.

    `resolution` is the largest error by the kernel's ticks of 1/100 s. Missing, with the reason, if
    a tool's first process is not the same at both ends, or if a process ended and nobody in the
    tree waited for it: its time is lost.
    """
    reason: Bilingual | None = None
    leaders = {tool.pid for tool in tools}
    before, after = _processes(start, leaders), _processes(end, leaders)
    seconds = end.uptime_s - start.uptime_s
    if seconds <= 0:
        reason = _NO_LENGTH
    elif other := [pid for pid in leaders if not _same(before, after, pid)]:
        reason = _NOT_THE_SAME.format(pid=other[0])
    elif orphan := next(_lost(before, after), None):
        reason = _ENDED.format(pid=orphan.pid, command=orphan.command)
    ticks = sum(map(_ticks, after.values())) - sum(map(_ticks, before.values()))
    if reason is None and ticks < 0:
        reason = _CHILDREN_LOST
    if reason is not None:
        return missing("tool_cpu_pct", node, _STAT, 0, reason)
    percent = 100 / USER_HZ / seconds
    resolution = _STEPS * len(before.keys() | after.keys()) * percent
    return Sample("tool_cpu_pct", ticks * percent, node, _STAT, n=2, resolution=resolution)


def memory(sizes: Mapping[int, Memory], node: str) -> Iterator[Sample]:
    """Resident and virtual memory at the window's end, and the resident peak since the tool's start
    (a sum of each process's own peak). No sample if nothing was read."""
    if not sizes:
        return
    for metric, field in (
        ("tool_rss_mib", "resident_kib"),
        ("tool_rss_peak_mib", "peak_resident_kib"),
        ("tool_vsz_mib", "size_kib"),
    ):
        total_kib = sum(getattr(size, field) for size in sizes.values())
        yield Sample(metric, total_kib / 1024, node, _STATUS, n=1)


def _processes(snapshot: Snapshot, leaders: set[int]) -> dict[int, Process]:
    """The tools' processes by pid: those of their process sessions, and all their descendants."""
    found = {
        pid
        for pid, process in snapshot.processes.items()
        if pid in leaders or process.session in leaders
    }
    while (
        more := {pid for pid, process in snapshot.processes.items() if process.parent in found}
        - found
    ):
        found |= more
    return {pid: snapshot.processes[pid] for pid in found}


def _same(before: Mapping[int, Process], after: Mapping[int, Process], pid: int) -> bool:
    start, end = before.get(pid), after.get(pid)
    return start is not None and end is not None and start.start_ticks == end.start_ticks


def _lost(before: Mapping[int, Process], after: Mapping[int, Process]) -> Iterator[Process]:
    """Processes that ended and have no ancestor in the tree to whom their time was added."""
    for process in before.values():
        above: Process | None = process
        while above is not None and not _same(before, after, above.pid):
            above = before.get(above.parent)
        if above is None:
            yield process


def _ticks(process: Process) -> int:
    return process.user_ticks + process.system_ticks + process.children_ticks
