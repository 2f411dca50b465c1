"""The facts found, as a table for the terminal: a column for each node."""

from collections.abc import Callable, Mapping

from rich.table import Table

from ..model.facts import Facts
from ..programs.loads import LOADS


def facts_table(facts: Mapping[str, Facts]) -> Table:
    """A row for each kind of fact; what was not found is a dash, a row of dashes is left out."""
    table = Table(pad_edge=False)
    table.add_column("", style="dim", no_wrap=True)
    for name in facts:
        table.add_column(name, overflow="fold")
    for title, cell_of in _ROWS:
        cells = [cell_of(found) for found in facts.values()]
        if any(cells):
            table.add_row(title, *(str(cell) if cell else "—" for cell in cells))
    return table


def _joined(*parts: object) -> str:
    return " ".join(str(part) for part in parts if part)


def _cpus(found: Facts) -> str | None:
    cpu = found.cpu
    if cpu.cpus is None:
        return None
    if None in (cpu.sockets, cpu.cores_per_socket, cpu.threads_per_core):
        return str(cpu.cpus)
    shape = f"{cpu.sockets} x {cpu.cores_per_socket} x {cpu.threads_per_core}"
    return f"{cpu.cpus} ({shape}), {cpu.numa_nodes or '?'} NUMA"


def _frequency(found: Facts) -> str:
    cpu = found.cpu
    span = f"{cpu.mhz_min:.0f}–{cpu.mhz_max:.0f} MHz" if cpu.mhz_min and cpu.mhz_max else None
    return _joined(span, cpu.governor)


def _traffic_path(found: Facts) -> str:
    steps = (found.interface, found.bridge, found.uplink_bridge, found.physical)
    path = " → ".join(dict.fromkeys(step for step in steps if step))
    return f"{path} ({', '.join(found.physical_members)})" if found.physical_members else path


def _nic(found: Facts) -> str:
    """The last interface of the path: the physical NIC, or a bond's last member."""
    if not found.nics:
        return ""
    nic = found.nics[-1]
    speed = f"{nic.speed_mbps / 1000:g} Gbit/s" if nic.speed_mbps else None
    queues = f"{nic.queues} {'queue' if nic.queues == 1 else 'queues'}" if nic.queues else None
    return _joined(nic.driver, speed, queues)


def _vm(found: Facts) -> str:
    vm = found.vm
    if vm is None:
        return ""
    return f"{vm.tap} of qemu {vm.qemu_pid}, {len(vm.vhost_pids) or 'no'} vhost threads"


def _bpf(found: Facts) -> str:
    names = ("btf", "kprobes", "tracepoints", "stats")
    states = {name: getattr(found.bpf, name) for name in names}
    return ", ".join(
        name if state else f"no {name}" for name, state in states.items() if state is not None
    )


def _programs(found: Facts, *names: str) -> str:
    return ", ".join(
        _joined(name, found.programs[name]) for name in names if name in found.programs
    )


def _clock(found: Facts) -> str | None:
    if found.clock_offset_s is None or found.clock_offset_error_s is None:
        return None
    return f"{found.clock_offset_s * 1000:+.1f} ± {found.clock_offset_error_s * 1000:.1f} ms"


_ROWS: tuple[tuple[str, Callable[[Facts], object]], ...] = (
    ("system", lambda f: _joined(f.distribution, f.arch)),
    ("kernel", lambda f: f.kernel),
    ("processor", lambda f: f.cpu.model),
    ("CPUs", _cpus),
    ("frequency", _frequency),
    ("memory", lambda f: f"{f.memory_mib / 1024:.3g} GiB" if f.memory_mib else None),
    ("test address", lambda f: _joined(f.test_ip, f"on {f.interface}" if f.interface else None)),
    ("traffic path", _traffic_path),
    ("NIC", _nic),
    ("VM", _vm),
    ("eBPF", _bpf),
    ("programs", lambda f: _programs(f, *LOADS, "pidstat")),
    ("free disk", lambda f: f"{f.disk_free_mib / 1024:.1f} GiB" if f.disk_free_mib else None),
    ("clock", _clock),
    ("notes", lambda f: "; ".join(f.notes)),
)
