"""The observation of a cell that the gates judge."""

from ..model.outcome import HostState, Window
from ..programs import snapshot
from ..quality import gates
from ..storage import rawtree
from .records import CellValues, Ends, total

_TICKS = 100  # USER_HZ, which is 100 on all common architectures


def observe(
    slot: rawtree.SlotRecord,
    cell: rawtree.CellRecord,
    snapshots: dict[str, Ends],
    windows: dict[str, Window],
    found: CellValues,
) -> gates.Observation:
    start, end = snapshots.get(slot.tool_host, (None, None))
    window = windows.get(slot.tool_host)
    workload, tools = cell.workload, slot.tools
    counted = None if slot.attribution is None else slot.attribution.programs
    return gates.Observation(
        workload_kind=workload.kind,
        tool_start=tuple(gates.ToolProcess(tool.pid, tool.start_ticks) for tool in tools) or None,
        tool_end=_tools_at(end, slot) if start is not None else None,
        tool_programs=frozenset(id for tool in tools for id in tool.programs) if tools else None,
        tool_programs_end=_ids(cell.programs),
        programs_before=_ids(slot.programs_before),
        programs_after=_ids(slot.programs_after),
        run_cnt=None if counted is None else _whole(total(p.run_cnt for p in counted)),
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
        frequency_before=_frequency(slot.host_states),
        frequency_after=_frequency(cell.host_states),
        epoch=cell.epoch or slot.epoch or None,
        baseline_epoch=slot.baseline_epoch or None,
        left_behind=slot.left_behind,
    )


def _tools_at(
    snap: snapshot.Snapshot | None, slot: rawtree.SlotRecord
) -> tuple[gates.ToolProcess, ...] | None:
    if snap is None or not slot.tools:
        return None
    found = ((tool.pid, snap.processes.get(tool.pid)) for tool in slot.tools)
    return tuple(
        gates.ToolProcess(pid, None if process is None else process.start_ticks)
        for pid, process in found
    )


def _ids(listed: tuple[int, ...] | None) -> frozenset[int] | None:
    return None if listed is None else frozenset(listed)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _throttle(snap: snapshot.Snapshot | None) -> dict[str, int] | None:
    if snap is None or snap.throttle_count is None:
        return None
    return {"core_throttle_count": snap.throttle_count}


def _kernel_warnings(cell: rawtree.CellRecord) -> tuple[str, ...] | None:
    readable = [
        (node, state.warnings)
        for node, state in cell.host_states.items()
        if state.warnings is not None
    ]
    if not readable:
        return None
    return tuple(f"{node}: {line}" for node, lines in readable for line in lines)


def _frequency(states: dict[str, HostState]) -> dict[str, str] | None:
    settings = {
        f"{node} {name}": value
        for node, state in states.items()
        for name, value in state.frequency.items()
    }
    return settings or None


def _foreign(
    snapshots: dict[str, Ends], slot: rawtree.SlotRecord, cell: rawtree.CellRecord
) -> tuple[tuple[str, float], ...] | None:
    """Processes that belong neither to the tool, the load and its carriers nor to the harness, with
    their CPU use in percent. Everything that we start runs in a process session of its own."""
    if not snapshots or not cell.own_pids:
        return None
    used = []
    for node, (start, end) in snapshots.items():
        ours = set(cell.own_pids.get(node, ()))
        if node in slot.host_states:
            ours.update(slot.host_states[node].carriers)
        if node == slot.tool_host:
            ours.update(pid for tool in slot.tools for pid in (tool.pid, *tool.pids))
        seconds = end.uptime_s - start.uptime_s
        for pid, now in end.processes.items():
            then = start.processes.get(pid)
            if pid in ours or now.session in ours or seconds <= 0:
                continue
            before = 0 if then is None else then.user_ticks + then.system_ticks
            ticks = now.user_ticks + now.system_ticks - before
            used.append((f"{node}: {now.command}[{pid}]", 100 * ticks / _TICKS / seconds))
    return tuple(item for item in used if item[1] > gates.FOREIGN_CPU_PCT)
