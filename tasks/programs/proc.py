"""Files of /proc: counters of CPUs and interfaces, processes, listening ports, open BPF objects.

Counters are the kernel's own, since boot; differences are the callers' to compute.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..model.errors import ParseError

_LISTEN = "0A"
_UNCONNECTED = "07"  # a UDP socket that answers anybody; a closed one in TCP, which has no port
USER_HZ = 100  # ticks per second, the same on every Linux architecture we know


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU time since boot, seconds. `guest` is inside `user`, so it is not listed."""

    user_s: float
    nice_s: float
    system_s: float
    idle_s: float
    iowait_s: float
    irq_s: float
    softirq_s: float
    steal_s: float

    @property
    def unused_s(self) -> float:
        """Time that is idle, waiting for I/O, or stolen by the hypervisor.

        A kernel that stops its tick when idle measures this part, while it samples the others, a
        hundred times a second and CPU: in the lab, busy time by the samples had an SD of 13 to 45 %
        of one CPU over a second of paced load, by what this part leaves 0.6 %.
        """
        return self.idle_s + self.iowait_s + self.steal_s


@dataclass(frozen=True, slots=True)
class InterfaceCounters:
    """One interface since it was created."""

    rx_packets: int
    tx_packets: int


@dataclass(frozen=True, slots=True)
class Process:
    """/proc/<pid>/stat. Pid and start time together identify a process until the next boot."""

    pid: int
    command: str
    parent: int
    session: int
    user_ticks: int
    system_ticks: int
    children_ticks: int  # user and system time of children that ended and were waited for
    start_ticks: int  # since boot


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one process, from /proc/<pid>/status, KiB."""

    size_kib: int
    resident_kib: int
    peak_resident_kib: int  # since the process started


@dataclass(frozen=True, slots=True)
class OpenProgram:
    """A BPF program held open by a process, from its fdinfo."""

    program_id: int
    type: int | None  # the kernel's number; None if the descriptor is a link to the program
    tag: str
    run_cnt: int | None  # None before kernel 5.1
    run_time_ns: int | None
    recursion_misses: int | None = None  # None before kernel 5.12


def parse_stat(text: str, source: str) -> dict[str, CpuTime]:
    """/proc/stat by CPU: `cpu` for all together, `cpu0` … for each."""
    cpus = {}
    for line in text.splitlines():
        name, *values = line.split() or [""]
        if name.startswith("cpu"):
            ticks = [_int(value, source) for value in values]
            if len(ticks) < 8:
                raise ParseError(source, f"{name} with {len(ticks)} counters, expected 8 or more")
            cpus[name] = CpuTime(*(tick / USER_HZ for tick in ticks[:8]))
    if "cpu" not in cpus:
        raise ParseError(source, "no line cpu")
    return cpus


def parse_net_dev(text: str, source: str) -> dict[str, InterfaceCounters]:
    """/proc/net/dev by interface."""
    interfaces = {}
    for line in text.splitlines()[2:]:
        name, colon, counters = line.rpartition(":")
        values = [_int(value, source) for value in counters.split()]
        if not colon or len(values) != 16:
            raise ParseError(source, f"not an interface: {line[:80]!r}")
        interfaces[name.strip()] = InterfaceCounters(rx_packets=values[1], tx_packets=values[9])
    if not interfaces:
        raise ParseError(source, "no interface")
    return interfaces


def parse_process(text: str, source: str) -> Process:
    """/proc/<pid>/stat; the command may hold spaces and parentheses."""
    head, closing, tail = text.rpartition(")")
    pid, opening, command = head.partition("(")
    fields = tail.split()
    if not (opening and closing) or len(fields) < 20:
        raise ParseError(source, "not a process's stat")
    number = [_int(value, source) for value in fields[1:20]]
    return Process(
        pid=_int(pid, source),
        command=command,
        parent=number[0],
        session=number[2],
        user_ticks=number[10],
        system_ticks=number[11],
        children_ticks=number[12] + number[13],
        start_ticks=number[18],
    )


def memory_argv(pids: Iterable[int]) -> tuple[str, ...]:
    """Prints what `parse_memory` reads. Fails if a process is gone."""
    files = (f"/proc/{pid}/status" for pid in pids)
    return ("grep", "-H", "-E", "^Vm(Size|RSS|HWM):", *files)


def parse_memory(text: str, source: str) -> dict[int, Memory]:
    """The lines VmSize, VmRSS and VmHWM of several /proc/<pid>/status, by pid. A process without
    memory of its own (a zombie) has none of them and is left out. ParseError for any other line."""
    sizes: dict[int, dict[str, int]] = {}
    for line in text.splitlines():
        match = _MEMORY.fullmatch(line)
        if match is None:
            raise ParseError(source, f"not a size of a process: {line[:80]!r}")
        sizes.setdefault(int(match[1]), {})[match[2]] = int(match[3])
    try:
        return {
            pid: Memory(found["Size"], found["RSS"], found["HWM"]) for pid, found in sizes.items()
        }
    except KeyError as missing:
        raise ParseError(source, f"a process without Vm{missing.args[0]}") from None


_MEMORY = re.compile(r"/proc/(\d+)/status:Vm(Size|RSS|HWM):\s*(\d+) kB")


def parse_uptime(text: str, source: str) -> float:
    """Seconds since boot: a clock that cannot be set."""
    return _floats(text, 2, source)[0]


def parse_loadavg(text: str, source: str) -> tuple[float, float, float]:
    """Load over 1, 5 and 15 minutes."""
    one, five, fifteen = _floats(text, 3, source)
    return one, five, fifteen


def parse_listening(text: str, source: str) -> frozenset[int]:
    """Ports listened on, from /proc/net/tcp, tcp6, udp or udp6."""
    lines = text.splitlines()
    if not lines or "local_address" not in lines[0]:
        raise ParseError(source, "not a table of sockets")
    ports = set()
    for line in lines[1:]:
        fields = line.split()
        if len(fields) < 4:
            raise ParseError(source, f"not a socket: {line[:80]!r}")
        if fields[3] in (_LISTEN, _UNCONNECTED):
            ports.add(_int(fields[1].rpartition(":")[2], source, base=16))
    return frozenset(ports)


def parse_fdinfo(text: str, source: str) -> OpenProgram | None:
    """/proc/<pid>/fdinfo/<n> of a BPF program or of a link to one; None for any other file."""
    fields = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    if "prog_id" not in fields:
        return None
    return OpenProgram(
        program_id=_int(fields["prog_id"], source),
        type=_optional(fields, "prog_type", source),
        tag=fields.get("prog_tag", ""),
        run_cnt=_optional(fields, "run_cnt", source),
        run_time_ns=_optional(fields, "run_time_ns", source),
        recursion_misses=_optional(fields, "recursion_misses", source),
    )


def _optional(fields: dict[str, str], key: str, source: str) -> int | None:
    return _int(fields[key], source) if key in fields else None


def _int(text: str, source: str, base: int = 10) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise ParseError(source, f"not a whole number: {text[:40]!r}") from None


def _floats(text: str, count: int, source: str) -> list[float]:
    try:
        values = [float(word) for word in text.split()[:count]]
    except ValueError:
        raise ParseError(source, f"not numbers: {text[:40]!r}") from None
    if len(values) != count:
        raise ParseError(source, f"{len(values)} numbers, expected {count}")
    return values
