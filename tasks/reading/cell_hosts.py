"""Scalars of a cell's hosts and its tool: CPU time, packets, pidstat, log growth, in the window."""

from pathlib import Path

from ..model.errors import ParseError
from ..model.outcome import Window
from ..programs import logsize, pidstat, proc
from ..storage import rawtree
from .records import CellValues, Ends
from .tool_scalars import ResourceUse, inside, scalars, series, sum_processes


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


def read_monitors(
    folder: Path, slot: rawtree.SlotRecord, windows: dict[str, Window], found: CellValues
) -> None:
    window = windows.get(slot.tool_host)
    if window is None:
        return
    node = slot.tool_host
    try:
        uses = _pidstat(folder / rawtree.PIDSTAT, window, found)
        recorded = logsize.parse(_text(folder / rawtree.LOG_SIZE), rawtree.LOG_SIZE)
    except ParseError as error:
        found.errors.append(str(error))
        return
    except OSError as error:
        found.errors.append(f"{folder.name}: {error.strerror}")
        return
    measured = inside(uses, window, slot.monitor_interval_s)
    # The whole recording, also outside the window. Our monitor writes UTC.
    sizes = [(size.local_s, size.size_bytes) for size in recorded]
    found.samples += scalars(measured, sizes, node)
    found.intervals += series(measured, sizes, node, window.start)


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
