"""The supervisor's snapshots: clocks, load, counters and processes of a host at one moment."""

import re
from dataclasses import dataclass

from ..model.errors import ParseError
from . import proc


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A host at one moment. Durations by `uptime_s`, the time of day by `epoch_s`."""

    label: str
    epoch_s: float
    uptime_s: float
    load1: float
    interfaces: dict[str, proc.InterfaceCounters]
    cpu: proc.CpuTime  # all CPUs together
    cpus: int
    processes: dict[int, proc.Process]  # user processes by pid
    throttle_count: int | None  # None: this CPU does not count


_LABEL = re.compile(r"^@ (\w+)\n", re.MULTILINE)  # a process's line begins with its pid


def parse(text: str, source: str) -> dict[str, Snapshot]:
    """Snapshots by label. Raises ParseError for one that is cut or not in the form."""
    _, *parts = _LABEL.split(text)
    if not parts:
        raise ParseError(source, "no snapshot in it")
    return {
        label: _snapshot(label, body.split("\n"), f"{source} @{label}")
        for label, body in zip(parts[::2], parts[1::2], strict=True)
    }


def _snapshot(label: str, lines: list[str], source: str) -> Snapshot:
    try:
        epoch_s = float(lines[0])
        first_cpu = next(i for i, line in enumerate(lines) if line.startswith("cpu "))
        after = next(i for i, line in enumerate(lines) if line.startswith("softirq ")) + 1
    except (IndexError, ValueError, StopIteration):
        raise ParseError(source, "cut: no time, cpu or softirq line") from None
    cpus = proc.parse_stat("\n".join(lines[first_cpu:after]), source)
    processes = {}
    throttle_count = None
    for line in lines[after:]:
        if line.startswith("throttle_count "):
            throttle_count = int(line.split()[1])
        elif line.strip():
            process = proc.parse_process(line, source)
            processes[process.pid] = process
    return Snapshot(
        label=label,
        epoch_s=epoch_s,
        uptime_s=proc.parse_uptime(lines[1], source),
        load1=proc.parse_loadavg(lines[2], source)[0],
        interfaces=proc.parse_net_dev("\n".join(lines[3:first_cpu]), source),
        cpu=cpus["cpu"],
        cpus=len(cpus) - 1,
        processes=processes,
        throttle_count=throttle_count,
    )
