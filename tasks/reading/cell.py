"""One cell of this program's raw tree: its files, cut to the window, as scalars, series and gate
results.

A cell is parsed once, while it is measured. Ingest parses only cells without a stored reading; the
same files give the same reading.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..model.errors import ParseError
from ..model.outcome import TRANSPORT, CellKey, CellReading, CellStatus, GateResult, Window
from ..programs import snapshot
from ..quality import gates
from ..storage import rawtree
from .cell_gates import observe
from .cell_hosts import read_hosts, read_monitors
from .cell_load import read_load
from .records import CellValues, Ends
from .start_scalars import start_samples

Tree = Callable[[str], Path]
"""Node's name -> its local results tree."""


@dataclass(frozen=True, slots=True)
class ParsedCell:
    """A cell's files, parsed once. Later additions to the slot's record only affect the gates."""

    record: rawtree.CellRecord
    snapshots: dict[str, Ends]  # by node
    windows: dict[str, Window]
    found: CellValues


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
    """Reads and judges one cell. An unreadable file fails a gate and never gives a value."""
    return judge_cell(parse_cell(tree, slot, cell), slot)


def parse_cell(tree: Tree, slot: rawtree.SlotRecord, cell: rawtree.CellRecord) -> ParsedCell:
    """The values in all files of a cell, with an error for each file that cannot be read."""
    found = CellValues()
    snapshots = _snapshots(tree, slot, cell, found)
    windows = {node: _window(node, ends) for node, ends in snapshots.items()}
    found.errors += _off_windows(windows, cell.workload.window_s)
    if cell.failure is None and not cell.not_fetched:
        read_load(tree(slot.client) / cell.folders["client"], slot, cell, found)
        read_hosts(slot, cell, snapshots, found)
        if cell.workload.starts is not None:
            found.samples += start_samples(cell.starts, slot.tool_host)
        elif slot.tool is not None:
            folder = tree(slot.tool_host) / cell.folders["monitor"]
            read_monitors(folder, slot, snapshots, windows, found)
    return ParsedCell(cell, snapshots, windows, found)


def judge_cell(parsed: ParsedCell, slot: rawtree.SlotRecord) -> CellReading:
    """The cell's reading, with the gates applied to the slot's present record."""
    cell, found = parsed.record, parsed.found
    observation = observe(slot, cell, parsed.snapshots, parsed.windows, found)
    results = gates.judge(observation, slot.case.kind)
    status, gate, reason, reason_zh = _verdict(cell, results)
    return CellReading(
        key=key_of(slot, cell.workload.name),
        status=status,
        gate=gate,
        reason=reason,
        reason_zh=reason_zh,
        gates=results,
        windows=parsed.windows,
        samples=tuple(found.samples),
        intervals=tuple(found.intervals),
        ledgers=tuple(found.ledgers),
    )


def _verdict(
    cell: rawtree.CellRecord, results: tuple[GateResult, ...]
) -> tuple[CellStatus, str, str, str]:
    """Status, gate, and the reason in English and Chinese."""
    if cell.failure is not None:
        return CellStatus.INVALID, cell.failure.gate, cell.failure.reason, ""
    if cell.not_fetched:
        missing = cell.not_fetched
        return CellStatus.INVALID, TRANSPORT, f"not fetched: {missing}", f"未取回：{missing}"
    required = {gate.id for gate in gates.GATES.values() if gate.required}
    failed = gates.blocking(results, required)
    if failed is None:
        return CellStatus.PASSED, "", "", ""
    return CellStatus.INVALID, failed.gate, failed.observed, failed.observed_zh


def _snapshots(
    tree: Tree, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, found: CellValues
) -> dict[str, Ends]:
    """The snapshots at both ends of the window, on every node that has them."""
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
    """Errors for windows that differ from the load's: late snapshots, and clocks set in between."""
    for window in windows.values():
        stepped_s = window.end - window.start - window.duration_s
        if abs(stepped_s) > _CLOCK_STEP_S:
            yield f"{window.node}: its clock was set by {stepped_s:+.1f} s inside the window"
        if abs(window.duration_s - wanted_s) > max(_LATE_S, _LATE_SHARE * wanted_s):
            yield f"{window.node}: the window lasted {window.duration_s:.1f} s, not {wanted_s:g} s"


_CLOCK_STEP_S = 1.0
_LATE_S, _LATE_SHARE = 0.75, 0.05
