"""A cell's hosts and its tool: CPU time, packets, pidstat and log growth, cut to the window."""

from pathlib import Path

from ..model.errors import ParseError
from ..model.outcome import Interval, Window
from ..programs import logsize, pidstat, proc
from ..storage import rawtree
from .records import Ends, Found


def read_hosts(
    slot: rawtree.SlotRecord,
    cell: rawtree.CellRecord,
    snapshots: dict[str, Ends],
    found: Found,
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


def read_monitors(
    folder: Path, slot: rawtree.SlotRecord, windows: dict[str, Window], found: Found
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


def _pidstat(file: Path, slot: rawtree.SlotRecord, window: Window, found: Found) -> None:
    """Sums of the process tree, row by row; rows whose interval lies in the window."""
    text = file.read_text(errors="replace")
    if not text:  # pidstat exits 0 having written nothing
        found.monitor_rows = ()
        return
    recorded = pidstat.parse(text, file.name, window.start)
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


def _log_size(file: Path, slot: rawtree.SlotRecord, window: Window, found: Found) -> None:
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
