"""Results trees of the published framework, as rows of our tables.

Nothing is dropped silently: every file is in the manifest, a workload that a case did not run is a
`failed` cell, one whose output cannot be trusted an `invalid` one. Most gates left no trace in such
a tree; they answer None, which does not block.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ..model.errors import InputError, ParseError
from ..model.metrics import METRICS
from ..model.outcome import GateResult, Interval, Sample
from ..model.plan import CaseKind
from ..programs import logsize
from ..quality import gates
from ..storage import schema
from . import legacy_monitor
from .legacy_files import CaseKey, Role, Tree, case_name
from .legacy_load import LegacyCell, Load, read_cells, zone_of_stamps
from .legacy_monitor import Monitor
from .records import Reading

_Row = dict[str, Any]
_COMMAND = re.compile(r"^Command: (.+)$", re.MULTILINE)
_SCRIPT = re.compile(r"\S*?([^\s/]+)\.(?:py|bt|sh)\b")
_NUMBER = re.compile(r"tool_\d+")  # such a tool id says less than its script
_TOOLS = "measurement-tools/"
_COMPLETED = re.compile(r"completed at: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class _Slot:
    """One pass of a case: its cells, in its place of the iteration."""

    case: CaseKey
    cells: tuple[LegacyCell, ...]
    position: int
    again: bool  # not the case's first pass


def read(root: Path, environment: str, run: str) -> Reading:
    """The whole tree below `root` (an iteration's folder, or one that holds several).

    InputError if there is no result of that framework in it.
    """
    tree = Tree.at(root)
    cells = read_cells(tree)
    if not cells:
        expected = "iteration_001/<node>/performance-test-results/…/client_results/…"
        raise InputError(str(root), "", "no load results of the published framework", expected)
    zone = zone_of_stamps(cells)
    names = _case_names(tree.cases)
    rows: dict[str, list[_Row]] = {"cells": [], "samples": [], "intervals": []}
    slots = _slots(tree, cells)
    never_run = _never_run(slots)
    for slot in slots:
        place = {"environment": environment, "run": run, **_place(slot, names)}
        case = _case(tree, slot.case)
        monitor = legacy_monitor.read(tree, slot.case, zone)
        for cell in slot.cells:
            _add(rows, tree, cell, place, case, monitor, zone)
        for workload in [] if slot.again else never_run[slot.case]:
            reason = "the case left no output of this load"
            missing = {"workload": workload, "attempt": 1, "status": "failed", "reason": reason}
            rows["cells"].append(place | case | missing)
    about = {"environment": environment, "run": run, "raw_path": str(root)}
    frames = {name: schema.TABLES[name].frame(listed) for name, listed in rows.items()}
    return Reading(
        runs=schema.RUNS.frame([about | _run(rows["cells"], cells)]),
        bpf_programs=schema.BPF_PROGRAMS.frame(),
        manifest=tree.manifest(),
        **frames,
    )


def _slots(tree: Tree, cells: Sequence[LegacyCell]) -> list[_Slot]:
    """Passes in the order of their time; a workload that a case ran again is a pass of its own."""
    passes: dict[tuple[CaseKey, int], list[LegacyCell]] = {(case, 0): [] for case in tree.cases}
    seen: Counter[tuple[CaseKey, str]] = Counter()
    for cell in sorted(cells, key=lambda cell: cell.stamp):
        passes.setdefault((cell.case, seen[cell.case, cell.workload]), []).append(cell)
        seen[cell.case, cell.workload] += 1

    def stamp(case: CaseKey, of_pass: list[LegacyCell]) -> str:
        return min((cell.stamp for cell in of_pass), default=min(tree.stamps(case), default=""))

    order = sorted(passes.items(), key=lambda item: (stamp(item[0][0], item[1]), item[0]))
    positions: Counter[tuple[int, str]] = Counter()
    slots = []
    for (case, number), of_pass in order:
        position = positions[case.iteration, case.layer]
        slots.append(_Slot(case, tuple(of_pass), position, again=number > 0))
        positions[case.iteration, case.layer] += 1
    return slots


def _never_run(slots: Sequence[_Slot]) -> dict[CaseKey, list[str]]:
    """By case: workloads that other cases of its iteration ran, and it never did."""
    beside: dict[tuple[int, str], set[str]] = {}
    own: dict[CaseKey, set[str]] = {}
    for slot in slots:
        ran = {cell.workload for cell in slot.cells}
        beside.setdefault((slot.case.iteration, slot.case.layer), set()).update(ran)
        own.setdefault(slot.case, set()).update(ran)
    return {case: sorted(beside[case.iteration, case.layer] - ran) for case, ran in own.items()}


def _case_names(cases: Sequence[CaseKey]) -> dict[str, str]:
    """A case's name by its folder; with its number where two have the same name."""
    folders = {case.folder: case_name(case.folder) for case in cases}
    uses = Counter(name.case for name in folders.values())
    return {
        folder: name.case if uses[name.case] == 1 else f"{name.case}_case_{name.id}"
        for folder, name in folders.items()
    }


def _place(slot: _Slot, names: dict[str, str]) -> _Row:
    return {
        "layer": slot.case.layer,
        "iteration": slot.case.iteration,
        "position": slot.position,
        "case": names[slot.case.folder],
    }


def _case(tree: Tree, case: CaseKey) -> _Row:
    name = case_name(case.folder)
    if name.id is None:
        return {"case_id": 0, "kind": CaseKind.BASELINE, "tool": ""}
    command = tree.first(tree.of(Role.START, case), _command)
    script = _SCRIPT.search(command or "")
    folder = PurePosixPath(script[0]).parent.as_posix() if script else ""
    parameters = {"protocol": name.protocol, "direction": name.direction}
    return {
        "case_id": name.id,
        "kind": CaseKind.TOOL,
        "tool": script[1] if script and _NUMBER.fullmatch(name.tool) else name.tool,
        "category": folder.partition(_TOOLS)[2] or None,
        **parameters,
        "parameters": json.dumps({k: v for k, v in parameters.items() if v is not None}),
        "command": command,
    }


def _add(
    rows: dict[str, list[_Row]],
    tree: Tree,
    cell: LegacyCell,
    place: _Row,
    case: _Row,
    monitor: Monitor | None,
    zone: float | None,
) -> None:
    """One cell's rows in all tables."""
    key = place | {"workload": cell.workload, "attempt": 1}
    load = cell.load
    window = None if load is None else load.window
    results = _judge(cell, monitor, CaseKind(case["kind"]))
    failed = gates.blocking(results, required=())
    started, ended = _times(tree, cell, zone)
    rows["cells"].append(
        key
        | case
        | {
            "status": "passed" if failed is None else "invalid",
            "gate": None if failed is None else failed.gate,
            "reason": None if failed is None else failed.observed,
            "gates": json.dumps([_fields(result) for result in results], ensure_ascii=False),
            "started": started,
            "ended": ended,
            "window_s": None if window is None else window.duration_s,
            "server": cell.server,
            "client": cell.client,
            "tool_host": None if monitor is None else monitor.node,
            "clock": _clock(monitor, cell),
            "raw_path": str(PurePosixPath(cell.files[0].path).parent),
        }
    )
    samples = [] if load is None else list(load.samples)
    intervals = [] if load is None else list(load.intervals)
    if monitor is not None and window is not None:
        of_tool, series = legacy_monitor.cut(monitor, window)
        samples, intervals = samples + of_tool, intervals + series
    rows["samples"] += [key | _fields(s) | {"unit": METRICS[s.metric].unit} for s in samples]
    rows["intervals"] += [key | _fields(interval) for interval in intervals]


def _clock(monitor: Monitor | None, cell: LegacyCell) -> str | None:
    if monitor is None:
        return None
    known = cell.load is not None and cell.load.window is not None
    return monitor.clock if known else "unaligned"


def _judge(cell: LegacyCell, monitor: Monitor | None, kind: CaseKind) -> tuple[GateResult, ...]:
    load = cell.load
    window = None if load is None else load.window
    aligned = monitor is not None and monitor.clock == "start_epoch"
    observation = gates.Observation(
        workload_kind=cell.kind,
        requested_s=None if load is None else load.requested_s,
        load_s=None if load is None else load.load_s,
        load_processes=cell.processes,
        zero_intervals=None if load is None else load.zero_intervals,
        parse_errors=tuple(cell.errors),
        monitor_rows=tuple(u.epoch_s for u in monitor.usages) if monitor and aligned else None,
        window_start=None if window is None else window.start,
        window_end=None if window is None else window.end,
        monitor_interval_s=None if monitor is None else monitor.interval_s,
    )
    return (*gates.judge(observation, kind), *(() if load is None else load.notes))


def _times(
    tree: Tree, cell: LegacyCell, zone: float | None
) -> tuple[datetime | None, datetime | None]:
    """The window; of netperf, whose output holds no time, when the test was begun and over."""
    if cell.load is not None and cell.load.window is not None:
        return _time(cell.load.window.start), _time(cell.load.window.end)
    if zone is None:
        return None, None
    begun = legacy_monitor.stamp_s(cell.stamp)
    files = [file for file in tree.of(Role.COMPLETE, cell.case) if file.stamp == cell.stamp]
    over = tree.first(files, _completed)
    return _time(begun - zone), None if over is None else _time(over - zone)


def _command(text: str, source: str) -> str:
    found = _COMMAND.search(text)
    if found is None:
        raise ParseError(source, "no command")
    return found[1].strip()


def _completed(text: str, source: str) -> float:
    found = _COMPLETED.search(text)
    if found is None:
        raise ParseError(source, "no time of completion")
    return logsize.local_seconds(found[1], source)


def _fields(record: Sample | Interval | GateResult) -> _Row:
    """A flat record's fields; `asdict` copies deeply, which is most of a large tree's time."""
    return {name: getattr(record, name) for name in record.__slots__}


def _time(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def _run(rows: Sequence[_Row], cells: Sequence[LegacyCell]) -> _Row:
    workloads = {cell.workload: _workload(cell, cell.load) for cell in cells if cell.load}
    return {
        "source": "legacy",
        "schema_version": schema.VERSION,
        "started": min((row["started"] for row in rows if row.get("started")), default=None),
        "ended": max((row["ended"] for row in rows if row.get("ended")), default=None),
        "iterations": max(row["iteration"] for row in rows),
        "workloads": json.dumps(list(workloads.values())),
    }


def _workload(cell: LegacyCell, load: Load) -> _Row:
    """The settings as far as the load's own output tells them, named as a plan's workload's."""
    return {
        "name": cell.workload,
        "kind": cell.kind,
        "program": "netperf" if cell.kind == "latency" else "iperf3",
        "protocol": load.protocol,
        "streams": cell.processes,
        **{name: load.settings.get(name) for name in ("window_s", "warmup_s", "length")},
    }
