"""A cell's load: its clients' output as scalars and one point per second."""

from itertools import zip_longest
from pathlib import Path

from ..model.errors import ParseError
from ..model.outcome import Interval
from ..programs import iperf3, netperf, sockperf
from ..programs.loads import client_file
from ..storage import rawtree
from .load_scalars import iperf3_samples, netperf_samples, sockperf_samples
from .records import CellValues


def read_load(
    folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: CellValues
) -> None:
    try:
        READERS[cell.workload.program](folder, slot, cell, found)
    except ParseError as error:
        found.errors.append(str(error))
    except OSError as error:
        found.errors.append(f"{folder.name}: {error.strerror}")


def _iperf3(
    folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: CellValues
) -> None:
    workload = cell.workload
    files = [folder / client_file(workload, port) for port in cell.ports]
    results = [iperf3.parse_client(f.read_text(errors="replace"), f.name) for f in files]
    found.load_s = [result.received_s for result in results]
    found.zero_intervals = sum(result.empty_seconds for result in results)
    found.payload_bits = sum(result.received_bytes for result in results) * 8.0
    found.samples += iperf3_samples(
        results, workload.kind, workload.length, slot.server, slot.client
    )
    measured = [[i.bps for i in result.intervals if not i.omitted] for result in results]
    for second, rates in enumerate(zip_longest(*measured, fillvalue=0.0), start=1):
        found.intervals.append(
            Interval("load_bps", slot.client, float(second), sum(rates), "bit/s")
        )


def _netperf(
    folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: CellValues
) -> None:
    file = folder / client_file(cell.workload, cell.ports[0])
    trips = netperf.parse(file.read_text(errors="replace"), file.name)
    found.load_s = [] if trips.elapsed_s is None else [trips.elapsed_s]
    found.samples += netperf_samples(trips, slot.client)
    busy = trips.busy_share
    if busy is not None and busy < _BUSY_SHARE:
        found.errors.append(
            f"{file.name}: round trips fill {busy:.0%} of the time, as if a packet was lost"
        )


_BUSY_SHARE = 0.5


def _sockperf(
    folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: CellValues
) -> None:
    workload = cell.workload
    file = folder / client_file(workload, cell.ports[0])
    trips = sockperf.parse(
        file.read_text(errors="replace"),
        file.name,
        warmup_s=workload.warmup_s,
        window_s=workload.window_s,
    )
    found.load_s = [trips.elapsed_s]
    found.samples += sockperf_samples(trips, slot.client)
    if workload.beside is not None:
        file = folder / client_file(workload.beside, cell.ports[1])
        beside = iperf3.parse_client(file.read_text(errors="replace"), file.name)
        found.samples += iperf3_samples(
            [beside], workload.beside.kind, workload.length, slot.server, slot.client
        )


READERS = {"iperf3": _iperf3, "netperf": _netperf, "sockperf": _sockperf}
"""The reader of each load program's output."""
