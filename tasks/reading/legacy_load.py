"""The load of one cell of the published framework: its processes' outputs as scalars and series.

As published, a multi-stream test's figure is the sum over its processes, although they are started
seconds apart; how long all of them overlapped is noted beside the gates.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

from ..model.errors import ParseError
from ..model.outcome import GateResult, Interval, Sample, Window
from ..programs import iperf3, netperf
from .legacy_files import CaseKey, LegacyFile, LegacyTree, Role, stamp_s
from .legacy_monitor import zone_s
from .load_scalars import iperf3_samples, netperf_samples

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a cell's load. Times in epoch seconds of the client's clock."""

    protocol: str = ""  # empty: no result could be read
    samples: Sequence[Sample] = ()
    intervals: Sequence[Interval] = ()
    window: Window | None = None  # netperf's output holds no time
    requested_s: float | None = None
    load_s: tuple[float, ...] | None = None
    zero_intervals: int | None = None
    notes: tuple[GateResult, ...] = ()
    settings: dict[str, float | None] = field(default_factory=dict)


@dataclass(slots=True)
class LegacyCell:
    """One test of one case: its client files and what was read from them."""

    case: CaseKey
    kind: str
    config: str
    stamp: str
    files: list[LegacyFile]
    server: str | None = None
    load: Load = Load()
    errors: list[str] = field(default_factory=list)

    @property
    def client(self) -> str:
        return self.files[0].node

    @property
    def processes(self) -> int:
        """Clients that were started, whether or not each left a file."""
        return int(self.config.removeprefix("multi_")) if self.config.startswith("multi_") else 1

    @property
    def workload(self) -> str:
        """The name of the same workload in our own catalogue."""
        if self.kind == "latency":
            return f"latency_{self.config}"
        # Without a result: the framework runs TCP unless a file's name says otherwise.
        named = "udp" if any("udp" in file.path for file in self.files) else "tcp"
        return f"{self.kind}_{self.config.split('_')[0]}_{self.load.protocol or named}"


def read_cells(tree: LegacyTree) -> list[LegacyCell]:
    """Every test of which a client left a file; its `errors` say what cannot be trusted."""
    cells: dict[tuple[CaseKey, str, str, str], LegacyCell] = {}
    for file in tree.files:
        if file.role is not Role.LOAD:
            continue
        if file.case is None or file.kind is None or file.config is None or file.stamp is None:
            tree.refuse(file, "its path does not name its test")
            continue
        key = (file.case, file.kind, file.config, file.stamp)
        cells.setdefault(key, LegacyCell(*key, files=[])).files.append(file)
    for cell in cells.values():
        _read(tree, cell)
    return list(cells.values())


def _read(tree: LegacyTree, cell: LegacyCell) -> None:
    complete = (f for f in tree.of(Role.COMPLETE, cell.case) if f.stamp == cell.stamp)
    cell.server = next((file.node for file in complete), None)
    if cell.kind == "latency":
        if trips := _parsed(tree, cell, netperf.parse):
            cell.load = _netperf(trips[0], cell)
    else:
        results = _parsed(tree, cell, iperf3.parse_client)
        if results and not cell.errors:
            cell.load = _iperf3(results, cell)


def _parsed(tree: LegacyTree, cell: LegacyCell, parser: Callable[[str, str], _T]) -> list[_T]:
    results = []
    for file in cell.files:
        try:
            results.append(tree.parse(file, parser))
        except ParseError as error:
            cell.errors.append(f"{PurePosixPath(error.source).name}: {error.reason}")
    return results


def zone_of_stamps(cells: Sequence[LegacyCell]) -> float | None:
    """Offset from UTC, in s, of the folders' stamps, by the epoch seconds that iperf3 writes."""
    windows = ((cell.stamp, cell.load.window) for cell in cells)
    zones = Counter(zone_s(stamp_s(stamp), window.start) for stamp, window in windows if window)
    return zones.most_common(1)[0][0] if zones else None


def _iperf3(results: Sequence[iperf3.ClientResult], cell: LegacyCell) -> Load:
    """All processes of one test, at least one."""
    first, client = results[0], cell.client
    starts = [result.started_epoch_s + result.warmup_s for result in results]
    ends = [start + result.received_s for start, result in zip(starts, results, strict=True)]
    window = Window(client, min(starts), max(ends), max(ends) - min(starts))
    return Load(
        protocol=first.protocol,
        samples=iperf3_samples(results, cell.kind, first.length, cell.server or client, client),
        intervals=_per_second(results, starts, window),
        window=window,
        requested_s=first.requested_s,
        load_s=tuple(result.received_s for result in results),
        zero_intervals=sum(result.empty_seconds for result in results),
        notes=_overlap(starts, ends, first.requested_s),
        settings={
            "window_s": first.requested_s, "warmup_s": first.warmup_s, "length": first.length,
        },
    )  # fmt: skip


def _per_second(
    results: Sequence[iperf3.ClientResult], starts: Sequence[float], window: Window
) -> list[Interval]:
    """What all processes together sent, by whole seconds since the start of the first."""
    rates: dict[int, float] = defaultdict(float)
    for start, result in zip(starts, results, strict=True):
        for interval in result.intervals:
            if not interval.omitted:
                rates[round(start - window.start + interval.end_s)] += interval.bps
    return [
        Interval("load_bps", window.node, float(second), bps, "bit/s")
        for second, bps in sorted(rates.items())
    ]


def _overlap(
    starts: Sequence[float], ends: Sequence[float], requested_s: float
) -> tuple[GateResult, ...]:
    if len(starts) == 1:
        return ()
    together_s = max(0.0, min(ends) - max(starts))
    result = GateResult(
        "simultaneous",
        None,
        f"{together_s:.0f} s of {requested_s:g} s with all {len(starts)} processes running",
        "all processes run through the whole window",
        f"{requested_s:g} s 中有 {together_s:.0f} s 全部 {len(starts)} 个进程同时运行",
        "所有进程在整个窗口内运行",
    )
    return (result,)


def _netperf(trips: netperf.RoundTrips, cell: LegacyCell) -> Load:
    """One request/response test."""
    return Load(
        protocol=cell.config.split("_")[0],
        samples=netperf_samples(trips, cell.client),
        load_s=None if trips.elapsed_s is None else (trips.elapsed_s,),
        settings={"window_s": trips.elapsed_s},
    )
