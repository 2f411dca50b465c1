"""A cell's load: what its clients printed, as scalars and a point a second."""

from pathlib import Path

from ..model.errors import ParseError
from ..model.outcome import Interval
from ..programs import iperf3, netperf
from ..programs.loads import client_file
from ..storage import rawtree
from .records import Found, total


def read_load(
    folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: Found
) -> None:
    try:
        READERS[cell.workload.program](folder, slot, cell, found)
    except ParseError as error:
        found.errors.append(str(error))
    except OSError as error:
        found.errors.append(f"{folder.name}: {error.strerror}")


def _iperf3(folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: Found) -> None:
    files = [folder / client_file(cell.workload, port) for port in cell.ports]
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
        found.sample("retransmits", total(r.retransmits for r in results), slot.client, "iperf3")
    else:
        rates = [_rate(result) for result in results]
        lost, arrived = (
            total(r.lost for r in results),
            total(r.datagrams for r in results),
        )
        found.sample("datagrams_per_s", total(rates), node, "iperf3")
        if lost is not None and arrived is not None and lost + arrived > 0:
            found.sample("lost_pct", 100 * lost / (lost + arrived), node, "iperf3")
    for second in range(max((len(intervals) for intervals in measured), default=0)):
        bps = sum(intervals[second].bps for intervals in measured if second < len(intervals))
        found.intervals.append(Interval("load_bps", slot.client, second + 1.0, bps, "bit/s"))


def _rate(result: iperf3.ClientResult) -> float | None:
    return None if result.datagrams is None else result.datagrams / result.received_s


_LATENCIES = ("mean", "min", "p50", "p90", "p99", "max", "stddev")


def _netperf(
    folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: Found
) -> None:
    file = folder / client_file(cell.workload, cell.ports[0])
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

READERS = {"iperf3": _iperf3, "netperf": _netperf}
"""How the output of each load program is read."""
