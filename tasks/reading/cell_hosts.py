"""Scalars of a cell's hosts and its tool: CPU time, packets, memory, log growth, in the window."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..model.errors import ParseError
from ..model.outcome import Ledger, Sample, Window
from ..model.plan import Case, CaseKind
from ..programs import event_counts, logsize, pidstat, proc
from ..storage import rawtree
from . import tool_processes
from .completeness import ledger, unreadable
from .records import CellValues, Ends
from .tool_scalars import ResourceUse, log_growth, of_rows, series, sum_processes


def read_hosts(
    slot: rawtree.SlotRecord,
    cell: rawtree.CellRecord,
    snapshots: dict[str, Ends],
    found: CellValues,
) -> None:
    """CPU time and packets of server and client, between the two snapshots."""
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
        unused_s = end.cpu.unused_s - start.cpu.unused_s
        busy_s = max(0.0, end.cpus * seconds - unused_s)
        for part in ("user", "system", "softirq"):
            spent = getattr(end.cpu, f"{part}_s") - getattr(start.cpu, f"{part}_s")
            found.sample(f"{side}_{part}_pct", 100 * spent / seconds, node, "/proc/stat")
        found.sample(f"{side}_cpu_pct", 100 * busy_s / seconds, node, "/proc/stat")
        packets = _packets(side, start.interfaces.get(interface), end.interfaces.get(interface))
        name = "packets_per_s" if side == "server" else "client_packets_per_s"
        found.sample(name, None if packets is None else packets / seconds, node, "/proc/net/dev")
        if side == "server" and packets is not None:
            both = packets + _sent(start.interfaces[interface], end.interfaces[interface])
            found.sample("interface_packets_per_s", both / seconds, node, "/proc/net/dev")
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
    return _sent(start, end)


def _sent(start: proc.InterfaceCounters, end: proc.InterfaceCounters) -> int:
    return end.tx_packets - start.tx_packets


def read_monitors(
    folder: Path,
    slot: rawtree.SlotRecord,
    snapshots: dict[str, Ends],
    windows: dict[str, Window],
    found: CellValues,
) -> None:
    """The tool's own use: CPU and memory from /proc, CPU by pidstat, growth of its output."""
    node = slot.tool_host
    if node not in windows or slot.tool is None:
        return
    window, interval_s = windows[node], max(1.0, slot.monitor_interval_s)
    try:
        uses = _pidstat(folder / rawtree.PIDSTAT, window, found)
        recorded = logsize.parse(_text(folder / rawtree.LOG_SIZE), rawtree.LOG_SIZE)
        sizes_of_processes = _memory(folder / rawtree.MEMORY)
    except ParseError as error:
        found.errors.append(str(error))
        return
    except OSError as error:
        found.errors.append(f"{folder.name}: {error.strerror}")
        return
    sizes = [(size.local_s, size.size_bytes) for size in recorded]  # our monitor writes UTC
    memory = list(tool_processes.memory(sizes_of_processes, node))
    found.samples.append(tool_processes.cpu(*snapshots[node], slot.tools, node))
    found.samples += memory
    found.samples += _by_pidstat(uses, window, interval_s, node, {one.metric for one in memory})
    found.samples.append(log_growth(sizes, window, node))
    found.intervals += series(uses, sizes, window, interval_s, node)
    if slot.case.kind is CaseKind.TOOL:
        found.ledgers += _ledgers(folder, slot, sizes[-1][1] if sizes else 0)


def _ledgers(folder: Path, slot: rawtree.SlotRecord, written_bytes: int) -> Iterator[Ledger]:
    """One for each tool in the case that has events, if the tree is not too old to have them.

    `written_bytes`: of the tools' outputs as the monitor saw them, with what it had to drop.
    """
    interface = slot.server_interface if slot.tool_host == slot.server else None
    counted: list[tuple[Case, event_counts.EventCounts]] = []
    for part, case in enumerate(slot.case.tools):
        file = folder / rawtree.events_file(part)
        if not file.exists():
            continue
        try:
            counted.append((case, event_counts.parse(_text(file), file.name)))
        except ParseError as error:
            yield unreadable(case, slot.tool_host, error)
    # of which output it dropped something is not known: of all, then
    held_bytes = sum(counts.end.output_bytes for _, counts in counted)
    emptied = written_bytes - held_bytes >= _SMALLEST_CAP
    for case, counts in counted:
        if case.kind is CaseKind.TOOL:  # a placebo has no events
            yield ledger(counts, case, interface, slot.tool_host, emptied=emptied)


_SMALLEST_CAP = 2**20  # bytes: an output that is emptied loses that much; less was printed since


def _by_pidstat(
    uses: list[ResourceUse], window: Window, interval_s: float, node: str, known: set[str]
) -> Iterator[Sample]:
    """pidstat's scalars without those `known` from a better source; its mean CPU has a name of its
    own, beside the one from the kernel's counters."""
    for sample in of_rows(uses, window, interval_s, node):
        if sample.metric == "tool_cpu_pct":
            yield replace(sample, metric="tool_cpu_pidstat_pct")
        elif sample.metric not in known:
            yield sample


def _memory(file: Path) -> dict[int, proc.Memory]:
    """Empty if the tree has no such file: it is of an older version of this program."""
    return proc.parse_memory(_text(file), file.name) if file.exists() else {}


def _pidstat(file: Path, window: Window, found: CellValues) -> list[ResourceUse]:
    text = _text(file)
    if not text:  # pidstat can exit with 0 without having written anything
        found.monitor_rows = ()
        return []
    recorded = pidstat.parse(text, file.name, window.start)
    uses = sum_processes((row.epoch_s, row) for row in recorded.rows if row.epoch_s is not None)
    found.monitor_rows = tuple(use.epoch_s for use in uses)
    return uses


def _text(file: Path) -> str:
    return file.read_text(errors="replace")
