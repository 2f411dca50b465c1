"""The load of one cell of the published framework: its processes' outputs as scalars and series.

Figures are those it published: the sum over the processes of a multi-stream test, although it
starts them seconds apart. How far they overlap is told beside the gates.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

from ..model.errors import ParseError
from ..model.outcome import GateResult, Interval, Sample, Window
from ..programs import iperf3, netperf
from .legacy_files import CaseKey, LegacyFile, Role, Tree
from .legacy_monitor import stamp_s, zone_s

_T = TypeVar("_T")
_LATENCIES = ("mean", "min", "p50", "p90", "p99", "max", "stddev")


@dataclass(slots=True)
class LegacyCell:
    """One test of one case: its client files and, once read, its load."""

    case: CaseKey
    kind: str
    config: str
    stamp: str
    files: list[LegacyFile]
    server: str | None = None
    load: "Load | None" = None
    errors: list[str] = field(default_factory=list)

    @property
    def client(self) -> str:
        return self.files[0].node

    @property
    def processes(self) -> int:
        """How many clients it was started with, whether they left a file or not."""
        return int(self.config.removeprefix("multi_")) if self.config.startswith("multi_") else 1

    @property
    def workload(self) -> str:
        """The name that the same workload has in our own catalogue."""
        if self.kind == "latency":
            return f"latency_{self.config}"
        return f"{self.kind}_{self.config.split('_')[0]}_{self._protocol}"

    @property
    def _protocol(self) -> str:
        if self.load is not None:
            return self.load.protocol
        # Nothing could be read; the framework runs TCP unless a name says otherwise.
        return "udp" if any("udp" in file.path for file in self.files) else "tcp"


@dataclass(frozen=True, slots=True)
class Load:
    """What a cell's load came to. Times in epoch seconds of the client's clock."""

    protocol: str
    samples: tuple[Sample, ...]
    intervals: tuple[Interval, ...] = ()
    window: Window | None = None  # netperf's output holds no time
    requested_s: float | None = None
    load_s: tuple[float, ...] | None = None
    zero_intervals: int | None = None
    notes: tuple[GateResult, ...] = ()
    settings: dict[str, float | None] = field(default_factory=dict)


def read_cells(tree: Tree) -> list[LegacyCell]:
    """Every test of which a client left a file; what cannot be trusted is in its `errors`."""
    cells: dict[tuple[CaseKey, str, str, str], LegacyCell] = {}
    for file in tree.files:
        if file.role is not Role.LOAD:
            continue
        if file.case is None or file.kind is None or file.config is None or file.stamp is None:
            tree.refuse(file, "its path does not tell its test")
            continue
        key = (file.case, file.kind, file.config, file.stamp)
        cells.setdefault(key, LegacyCell(*key, files=[])).files.append(file)
    for cell in cells.values():
        _read(tree, cell)
    return list(cells.values())


def _read(tree: Tree, cell: LegacyCell) -> None:
    complete = (f for f in tree.of(Role.COMPLETE, cell.case) if f.stamp == cell.stamp)
    cell.server = next((file.node for file in complete), None)
    if cell.kind == "latency":
        trips = _parsed(tree, cell, netperf.parse)
        if trips:
            cell.load = from_netperf(trips[0], cell.config.split("_")[0], cell.client)
    else:
        results = _parsed(tree, cell, iperf3.parse_client)
        if results and not cell.errors:
            cell.load = from_iperf3(results, cell.kind, cell.server or cell.client, cell.client)


def _parsed(tree: Tree, cell: LegacyCell, parser: Callable[[str, str], _T]) -> list[_T]:
    found = []
    for file in cell.files:
        try:
            found.append(tree.parse(file, parser))
        except ParseError as error:
            cell.errors.append(f"{PurePosixPath(error.source).name}: {error.reason}")
    return found


def zone_of_stamps(cells: Sequence[LegacyCell]) -> float | None:
    """The offset from UTC, in s, of the folders' stamps: beside the epoch seconds of iperf3."""
    zones = Counter(
        zone_s(stamp_s(cell.stamp), cell.load.window.start)
        for cell in cells
        if cell.load is not None and cell.load.window is not None
    )
    return zones.most_common(1)[0][0] if zones else None


def from_iperf3(
    results: Sequence[iperf3.ClientResult], kind: str, server: str, client: str
) -> Load:
    """All processes of one test, at least one."""
    first = results[0]
    starts = [result.started_epoch_s + result.warmup_s for result in results]
    ends = [start + result.received_s for start, result in zip(starts, results, strict=True)]
    window = Window(client, min(starts), max(ends), max(ends) - min(starts))
    received_bps = sum(result.received_bps for result in results)
    samples: list[Sample] = []
    if kind == "throughput":
        samples.append(Sample("throughput_bps", received_bps, server, "iperf3"))
    if first.protocol == "tcp":
        if kind == "pps":
            writes = received_bps / (first.length * 8)
            samples.append(Sample("writes_per_s", writes, server, "iperf3"))
        sent_again = [result.retransmits for result in results]
        total = None if None in sent_again else float(sum(n or 0 for n in sent_again))
        samples.append(Sample("retransmits", total, client, "iperf3"))
    else:
        samples += _datagrams(results, server)
    return Load(
        protocol=first.protocol,
        samples=tuple(samples),
        intervals=_per_second(results, starts, window, client),
        window=window,
        requested_s=first.requested_s,
        load_s=tuple(result.received_s for result in results),
        zero_intervals=sum(result.empty_seconds for result in results),
        notes=_overlap(starts, ends, first.requested_s),
        settings={
            "window_s": first.requested_s, "warmup_s": first.warmup_s,
            "streams": len(results), "length": first.length,
        },
    )  # fmt: skip


def _datagrams(results: Sequence[iperf3.ClientResult], server: str) -> list[Sample]:
    arrived = [(result.datagrams or 0, result.lost or 0, result.received_s) for result in results]
    sent = sum(got + lost for got, lost, _ in arrived)
    rate = sum(got / seconds for got, _, seconds in arrived)
    lost_pct = 100 * sum(lost for _, lost, _ in arrived) / sent if sent else None
    return [
        Sample("datagrams_per_s", rate, server, "iperf3"),
        Sample("lost_pct", lost_pct, server, "iperf3"),
    ]


def _per_second(
    results: Sequence[iperf3.ClientResult], starts: Sequence[float], window: Window, client: str
) -> tuple[Interval, ...]:
    """What all processes together sent, by whole seconds since the first one's start."""
    seconds: dict[int, float] = {}
    for start, result in zip(starts, results, strict=True):
        for interval in result.intervals:
            if not interval.omitted:
                second = round(start - window.start + interval.end_s)
                seconds[second] = seconds.get(second, 0.0) + interval.bps
    return tuple(
        Interval("load_bps", client, float(second), bps, "bit/s")
        for second, bps in sorted(seconds.items())
    )


def _overlap(
    starts: Sequence[float], ends: Sequence[float], requested_s: float
) -> tuple[GateResult, ...]:
    if len(starts) == 1:
        return ()
    together = max(0.0, min(ends) - max(starts))
    told = f"{together:.0f} s of {requested_s:g} s with all {len(starts)} processes running"
    return (GateResult("simultaneous", None, told, "all processes run through the whole window"),)


def from_netperf(trips: netperf.RoundTrips, protocol: str, client: str) -> Load:
    """One request/response test."""
    samples = [
        Sample(f"latency_{name}_us", value, client, "netperf")
        for name in _LATENCIES
        if (value := getattr(trips, f"{name}_us")) is not None
    ]
    if trips.transactions_per_s is not None:
        samples.append(Sample("transactions_per_s", trips.transactions_per_s, client, "netperf"))
    return Load(
        protocol=protocol,
        samples=tuple(samples),
        load_s=None if trips.elapsed_s is None else (trips.elapsed_s,),
        settings={"window_s": trips.elapsed_s, "streams": 1},
    )
