"""One cell of this program's raw tree: its files, cut to the window, as scalars, series and gates.

Used while a campaign runs and when its tree is ingested: the same files give the same answer.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..model.errors import ParseError
from ..model.outcome import (
    CellKey,
    CellStatus,
    GateResult,
    HostLook,
    Interval,
    Sample,
    Window,
)
from ..programs import iperf3, logsize, netperf, pidstat, proc, snapshot
from ..quality import gates
from ..storage import rawtree

_TICKS = 100  # USER_HZ: 100 on every Linux that we know

Tree = Callable[[str], Path]
"""Node's name -> its results tree here."""


@dataclass(frozen=True, slots=True)
class CellReading:
    """All that a cell's files tell."""

    key: CellKey
    status: CellStatus
    gate: str
    reason: str
    gates: tuple[GateResult, ...]
    windows: dict[str, Window]  # by node
    samples: tuple[Sample, ...]
    intervals: tuple[Interval, ...]


@dataclass(slots=True)
class _Found:
    """What the readers below put together."""

    samples: list[Sample] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    load_s: list[float] = field(default_factory=list)
    zero_intervals: int | None = None
    payload_bits: float | None = None  # received in the window
    monitor_rows: tuple[float, ...] | None = None

    def sample(self, metric: str, value: float | None, node: str, source: str) -> None:
        self.samples.append(Sample(metric, value, node, source))


def key_of(slot: rawtree.SlotRecord, workload: str) -> CellKey:
    return CellKey(
        environment=slot.environment,
        run=slot.run,
        layer=slot.layer,
        iteration=slot.iteration,
        position=slot.position,
        case=slot.case.name,
        workload=workload,
        attempt=slot.attempt,
    )


def read_cell(tree: Tree, slot: rawtree.SlotRecord, cell: rawtree.CellRecord) -> CellReading:
    """Reads and judges one cell. What cannot be read is a failed gate, never a value."""
    found = _Found()
    snapshots = _snapshots(tree, slot, cell, found)
    windows = {node: _window(node, pair) for node, pair in snapshots.items()}
    found.errors += _off_windows(windows, cell.workload.window_s)
    if not cell.failure:
        _load(tree(slot.client) / cell.folders["client"], slot, cell, found)
        _hosts(slot, cell, snapshots, found)
        if slot.tool is not None:
            _monitors(tree(slot.tool_host) / cell.folders["monitor"], slot, windows, found)
    results = gates.judge(_observation(slot, cell, snapshots, windows, found), slot.case.kind)
    status, gate, reason = _verdict(cell, results)
    return CellReading(
        key=key_of(slot, cell.workload.name),
        status=status,
        gate=gate,
        reason=reason,
        gates=results,
        windows=windows,
        samples=tuple(found.samples),
        intervals=tuple(found.intervals),
    )


# Looked at in the cell but judged by the run's other knowledge, or not always there to be seen.
_NOT_REQUIRED = {"clean_after", "same_world"}


def _verdict(
    cell: rawtree.CellRecord, results: tuple[GateResult, ...]
) -> tuple[CellStatus, str, str]:
    if cell.failure:
        gate, colon, reason = cell.failure.partition(": ")
        if colon and gate in gates.GATES:
            return CellStatus.INVALID, gate, reason
        if gate == "transport":
            return CellStatus.INVALID, "transport", reason
        return CellStatus.FAILED, "", cell.failure
    failed = gates.blocking(results, required=set(gates.GATES) - _NOT_REQUIRED)
    if failed is None:
        return CellStatus.PASSED, "", ""
    return CellStatus.INVALID, failed.gate, failed.observed


Ends = tuple[snapshot.Snapshot, snapshot.Snapshot]


def _snapshots(
    tree: Tree, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: _Found
) -> dict[str, Ends]:
    """Both ends of the window on every node that was looked at."""
    sides = {"client": slot.client, "server": slot.server, "monitor": slot.tool_host}
    ends: dict[str, Ends] = {}
    for side, node in sides.items():
        path = tree(node) / cell.folders[side] / rawtree.SNAPSHOTS
        if node in ends or not path.exists():
            continue
        try:
            both = snapshot.parse(path.read_text(errors="replace"), f"{node}: {path.name}")
            ends[node] = (both["start"], both["end"])
        except ParseError as error:
            found.errors.append(str(error))
        except KeyError as error:
            found.errors.append(f"{node}: {path.name}: no snapshot {error}")
    return ends


def _window(node: str, ends: Ends) -> Window:
    start, end = ends
    return Window(node, start.epoch_s, end.epoch_s, end.uptime_s - start.uptime_s)


def _off_windows(windows: dict[str, Window], wanted_s: float) -> Iterable[str]:
    """Windows that are not the load's: looks that came late, and clocks that were set inside."""
    for window in windows.values():
        stepped_s = window.end - window.start - window.duration_s
        if abs(stepped_s) > _CLOCK_STEP_S:
            yield f"{window.node}: its clock was set by {stepped_s:+.1f} s inside the window"
        if abs(window.duration_s - wanted_s) > max(_LATE_S, _LATE_SHARE * wanted_s):
            yield f"{window.node}: looked at for {window.duration_s:.1f} s of {wanted_s:g} s"


_CLOCK_STEP_S = 1.0
_LATE_S, _LATE_SHARE = 0.75, 0.05


# -- the load --------------------------------------------------------------------------------------


def _load(folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: _Found) -> None:
    read = _iperf3 if cell.workload.program == "iperf3" else _netperf
    try:
        read(folder, slot, cell, found)
    except ParseError as error:
        found.errors.append(str(error))
    except OSError as error:
        found.errors.append(f"{folder.name}: {error.strerror}")


def _iperf3(
    folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: _Found
) -> None:
    files = [folder / rawtree.client_file(cell.workload, port) for port in cell.ports]
    results = [iperf3.parse_client(f.read_text(errors="replace"), f.name) for f in files]
    measured = [[i for i in result.intervals if not i.omitted] for result in results]
    found.load_s = [result.received_s for result in results]
    found.zero_intervals = sum(result.empty_seconds for result in results)
    received_bps = sum(result.received_bps for result in results)
    found.payload_bits = sum(result.received_bytes for result in results) * 8.0
    node, workload = slot.server, cell.workload
    if workload.kind == "throughput":
        found.sample("throughput_bps", received_bps, node, "iperf3")
    if workload.protocol == "tcp":
        if workload.kind == "pps" and workload.length:
            found.sample("writes_per_s", received_bps / (workload.length * 8), node, "iperf3")
        found.sample("retransmits", _total(r.retransmits for r in results), slot.client, "iperf3")
    else:
        rates = [_rate(result) for result in results]
        lost, arrived = (
            _total(r.lost for r in results),
            _total(r.datagrams for r in results),
        )
        found.sample("datagrams_per_s", _total(rates), node, "iperf3")
        if lost is not None and arrived is not None and lost + arrived > 0:
            found.sample("lost_pct", 100 * lost / (lost + arrived), node, "iperf3")
    for second in range(max((len(intervals) for intervals in measured), default=0)):
        bps = sum(intervals[second].bps for intervals in measured if second < len(intervals))
        found.intervals.append(Interval("load_bps", slot.client, second + 1.0, bps, "bit/s"))


def _rate(result: iperf3.ClientResult) -> float | None:
    return None if result.datagrams is None else result.datagrams / result.received_s


def _total(values: Iterable[float | None]) -> float | None:
    """The sum; None where one is missing."""
    listed = list(values)
    if not listed or any(value is None for value in listed):
        return None
    return float(sum(value for value in listed if value is not None))


_LATENCIES = ("mean", "min", "p50", "p90", "p99", "max", "stddev")


def _netperf(
    folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: _Found
) -> None:
    file = folder / rawtree.client_file(cell.workload, cell.ports[0])
    trips = netperf.parse(file.read_text(errors="replace"), file.name)
    found.load_s = [] if trips.elapsed_s is None else [trips.elapsed_s]
    for name in _LATENCIES:
        found.sample(f"latency_{name}_us", getattr(trips, f"{name}_us"), slot.client, "netperf")
    found.sample("transactions_per_s", trips.transactions_per_s, slot.client, "netperf")
    busy = trips.busy_share
    if busy is not None and busy < _BUSY_SHARE:
        found.errors.append(
            f"{file.name}: round trips fill {busy:.0%} of the time: it waited for a lost packet"
        )


_BUSY_SHARE = 0.5

# -- the hosts -------------------------------------------------------------------------------------


def _hosts(
    slot: rawtree.SlotRecord,
    cell: rawtree.CellRecord,
    snapshots: dict[str, Ends],
    found: _Found,
) -> None:
    """CPU time and packets of both ends of the load, between the two looks."""
    sides = {"server": (slot.server, slot.server_interface),
             "client": (slot.client, slot.client_interface)}  # fmt: skip
    for side, (node, interface) in sides.items():
        if node not in snapshots:
            continue
        start, end = snapshots[node]
        seconds = end.uptime_s - start.uptime_s
        if seconds <= 0:
            found.errors.append(f"{node}: the window has no length")
            continue
        busy_s = end.cpu.busy_s - start.cpu.busy_s
        for part in ("user", "system", "softirq"):
            spent = getattr(end.cpu, f"{part}_s") - getattr(start.cpu, f"{part}_s")
            found.sample(f"{side}_{part}_pct", 100 * spent / seconds, node, "/proc/stat")
        found.sample(f"{side}_cpu_pct", 100 * busy_s / seconds, node, "/proc/stat")
        packets = _packets(side, start.interfaces.get(interface), end.interfaces.get(interface))
        name = "packets_per_s" if side == "server" else "client_packets_per_s"
        found.sample(name, None if packets is None else packets / seconds, node, "/proc/net/dev")
        if packets:
            found.sample(f"{side}_cpu_ns_per_packet", busy_s / packets * 1e9, node, "/proc/stat")
        if cell.workload.kind == "throughput" and found.payload_bits:
            gbit = found.payload_bits / 1e9 * seconds / cell.workload.window_s
            found.sample(f"{side}_cpu_s_per_gbit", busy_s / gbit, node, "/proc/stat")


def _packets(
    side: str, start: proc.InterfaceCounters | None, end: proc.InterfaceCounters | None
) -> int | None:
    if start is None or end is None:
        return None
    if side == "server":
        return end.rx_packets - start.rx_packets
    return end.tx_packets - start.tx_packets


# -- the tool --------------------------------------------------------------------------------------


def _monitors(
    folder: Path, slot: rawtree.SlotRecord, windows: dict[str, Window], found: _Found
) -> None:
    window = windows.get(slot.tool_host)
    if window is None:
        return
    try:
        _pidstat(folder / rawtree.PIDSTAT, slot, window, found)
        _log_size(folder / rawtree.LOG_SIZE, slot, window, found)
    except ParseError as error:
        found.errors.append(str(error))
    except OSError as error:
        found.errors.append(f"{folder.name}: {error.strerror}")


def _pidstat(file: Path, slot: rawtree.SlotRecord, window: Window, found: _Found) -> None:
    """Sums of the process tree, row by row; rows whose interval lies in the window."""
    recorded = pidstat.parse(file.read_text(errors="replace"), file.name, window.start)
    rows: dict[float, list[pidstat.ProcessRow]] = {}
    for row in recorded.rows:
        if row.epoch_s is not None:
            rows.setdefault(row.epoch_s, []).append(row)
    found.monitor_rows = tuple(sorted(rows))
    # A row ends at a whole second; it belongs to the window if at least half of it lies inside.
    half = slot.monitor_interval_s / 2
    inside = {t: r for t, r in rows.items() if window.start + half <= t <= window.end + half}
    if not inside:
        return
    cpu = [sum(row.cpu_pct for row in r) for r in inside.values()]
    rss = [sum(row.rss_kib or 0 for row in r) / 1024 for r in inside.values()]
    vsz = [sum(row.vsz_kib or 0 for row in r) / 1024 for r in inside.values()]
    node = slot.tool_host
    found.sample("tool_cpu_pct", sum(cpu) / len(cpu), node, "pidstat")
    found.sample("tool_cpu_peak_pct", max(cpu), node, "pidstat")
    found.sample("tool_rss_mib", max(rss), node, "pidstat")
    found.sample("tool_vsz_mib", max(vsz), node, "pidstat")
    for t, used, resident in zip(inside, cpu, rss, strict=True):
        since = t - window.start
        found.intervals.append(Interval("tool_cpu_pct", node, since, used, "% of one CPU"))
        found.intervals.append(Interval("tool_rss_mib", node, since, resident, "MiB"))


def _log_size(file: Path, slot: rawtree.SlotRecord, window: Window, found: _Found) -> None:
    sizes = logsize.parse(file.read_text(errors="replace"), file.name)
    node = slot.tool_host
    for look in sizes:
        since = look.local_s - window.start
        found.intervals.append(Interval("log_bytes", node, since, float(look.size_bytes), "B"))
    if len(sizes) < 2:
        return
    first, last = sizes[0], sizes[-1]
    minutes = (last.local_s - first.local_s) / 60
    if minutes > 0:
        grown_mib = (last.size_bytes - first.size_bytes) / 2**20
        found.sample("log_mib_per_min", grown_mib / minutes, node, "stat")


# -- the gates -------------------------------------------------------------------------------------


def _observation(
    slot: rawtree.SlotRecord,
    cell: rawtree.CellRecord,
    snapshots: dict[str, Ends],
    windows: dict[str, Window],
    found: _Found,
) -> gates.Observation:
    start, end = snapshots.get(slot.tool_host, (None, None))
    window = windows.get(slot.tool_host)
    workload, tool = cell.workload, slot.tool
    counted = None if slot.attribution is None else slot.attribution.programs
    return gates.Observation(
        workload_kind=workload.kind,
        tool_start=None if tool is None else gates.Process(tool.pid, tool.start_ticks),
        tool_end=_tool_at(end, slot) if start is not None else None,
        programs_before=_ids(slot.programs_before),
        programs_after=_ids(slot.programs_after),
        run_cnt=None if counted is None else _whole(_total(p.run_cnt for p in counted)),
        requested_s=workload.window_s,
        load_s=tuple(found.load_s) if found.load_s else None,
        load_processes=workload.streams,
        zero_intervals=found.zero_intervals,
        parse_errors=tuple(found.errors),
        monitor_rows=found.monitor_rows,
        window_start=None if window is None else window.start,
        window_end=None if window is None else window.end,
        monitor_interval_s=max(1.0, slot.monitor_interval_s),
        foreign=_foreign(snapshots, slot, cell),
        load1_before=slot.load_before,
        max_load1=slot.max_load,
        throttle_before=_throttle(start),
        throttle_after=_throttle(end),
        kernel_warnings=_kernel_warnings(cell),
        frequency_before=_frequency(slot.looks),
        frequency_after=_frequency(cell.looks),
        epoch=cell.epoch or slot.epoch or None,
        baseline_epoch=slot.baseline_epoch or None,
        left_behind=slot.left_behind,
    )


def _tool_at(look: snapshot.Snapshot | None, slot: rawtree.SlotRecord) -> gates.Process | None:
    if look is None or slot.tool is None:
        return None
    process = look.processes.get(slot.tool.pid)
    return gates.Process(slot.tool.pid, None if process is None else process.start_ticks)


def _ids(listed: tuple[int, ...] | None) -> frozenset[int] | None:
    return None if listed is None else frozenset(listed)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _throttle(look: snapshot.Snapshot | None) -> dict[str, int] | None:
    if look is None or look.throttle_count is None:
        return None
    return {"core_throttle_count": look.throttle_count}


def _kernel_warnings(cell: rawtree.CellRecord) -> tuple[str, ...] | None:
    told = [(node, look.warnings) for node, look in cell.looks.items() if look.warnings is not None]
    if not told:
        return None
    return tuple(f"{node}: {line}" for node, lines in told for line in lines)


def _frequency(looks: dict[str, HostLook]) -> dict[str, str] | None:
    settings = {
        f"{node} {name}": value
        for node, look in looks.items()
        for name, value in look.frequency.items()
    }
    return settings or None


def _foreign(
    snapshots: dict[str, Ends], slot: rawtree.SlotRecord, cell: rawtree.CellRecord
) -> tuple[tuple[str, float], ...] | None:
    """Processes that are neither the tool, the load, its carriers nor the harness, and what they
    used. All that we start has a session of its own."""
    if not snapshots or not cell.own_pids:
        return None
    seen = []
    for node, (start, end) in snapshots.items():
        ours = set(cell.own_pids.get(node, ()))
        if node in slot.looks:
            ours.update(slot.looks[node].carriers)
        if slot.tool is not None and node == slot.tool_host:
            ours.update((slot.tool.pid, *slot.tool.pids))
        seconds = end.uptime_s - start.uptime_s
        for pid, now in end.processes.items():
            then = start.processes.get(pid)
            if pid in ours or now.session in ours or seconds <= 0:
                continue
            before = 0 if then is None else then.user_ticks + then.system_ticks
            ticks = now.user_ticks + now.system_ticks - before
            seen.append((f"{node}: {now.command}[{pid}]", 100 * ticks / _TICKS / seconds))
    return tuple(item for item in seen if item[1] > gates.FOREIGN_CPU_PCT)
