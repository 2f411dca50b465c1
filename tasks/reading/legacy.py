"""Results trees of the published framework, as rows of our tables.

Nothing is dropped silently: every file is in the manifest, a workload that a case did not run is a
`failed` cell, and one whose output cannot be trusted an `invalid` one. Most gates left no trace in
such a tree; their answer is None, which does not block.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ..model.clock_kind import Clock
from ..model.errors import InputError, ParseError
from ..model.metrics import METRICS
from ..model.outcome import GateResult, Interval, Sample
from ..model.plan import CaseKind
from ..programs import logsize
from ..quality import gates
from ..storage import schema
from . import legacy_monitor
from .legacy_files import CaseKey, LegacyTree, Role, case_name, stamp_s
from .legacy_load import LegacyCell, read_cells, zone_of_stamps
from .legacy_monitor import Monitor
from .records import Reading

_Row = dict[str, Any]
_COMMAND = re.compile(r"^Command: (.+)$", re.MULTILINE)
_SCRIPT = re.compile(r"\S*?([^\s/]+)\.(?:py|bt|sh)\b")
_NUMBER = re.compile(r"tool_\d+")  # such a tool id says less than its script's name
_TOOLS = "measurement-tools/"
_COMPLETED = re.compile(r"completed at: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass of a case through its workloads, at its position in the iteration."""

    case: CaseKey
    number: int  # 0 for the case's first pass
    cells: tuple[LegacyCell, ...]
    position: int


def read(root: Path, environment: str, run: str) -> Reading:
    """The whole tree below `root`: an iteration's folder, or one that holds several.

    Raises InputError if the tree holds no load result of that framework.
    """
    tree = LegacyTree.at(root)
    cells = read_cells(tree)
    if not cells:
        expected = "iteration_001/<node>/performance-test-results/…/client_results/…"
        raise InputError(str(root), "", "no load results of the published framework", expected)
    zone = zone_of_stamps(cells)
    names = _case_names(tree.cases)
    passes = _passes(tree, cells)
    never_run = _never_run(passes)
    about = {"environment": environment, "run": run}
    rows: dict[str, list[_Row]] = {"cells": [], "samples": [], "intervals": []}
    for each in passes:
        place = about | {
            "layer": each.case.layer,
            "iteration": each.case.iteration,
            "position": each.position,
            "case": names[each.case.folder],
        }
        case = _case(tree, each.case)
        monitor = legacy_monitor.read(tree, each.case, zone)
        for cell in each.cells:
            key = place | {"workload": cell.workload, "attempt": 1}
            rows["cells"].append(key | case | _cell(tree, cell, monitor, case["kind"], zone))
            samples, intervals = _measured(cell, monitor)
            rows["samples"] += [
                key | _fields(s) | {"unit": METRICS[s.metric].unit} for s in samples
            ]
            rows["intervals"] += [key | _fields(interval) for interval in intervals]
        for workload in never_run[each.case] if each.number == 0 else ():
            missing = {
                "workload": workload, "attempt": 1, "status": "failed",
                "reason": "the case left no output of this load",
                "reason_zh": "该用例没有这项负载的输出",
            }  # fmt: skip
            rows["cells"].append(place | case | missing)
    return Reading(
        runs=schema.RUNS.frame([about | {"raw_path": str(root)} | _run(rows["cells"], cells)]),
        bpf_programs=schema.BPF_PROGRAMS.frame(),
        completeness=schema.COMPLETENESS.frame(),
        manifest=tree.manifest(),
        **{name: schema.TABLES[name].frame(listed) for name, listed in rows.items()},
    )


def _passes(tree: LegacyTree, cells: Sequence[LegacyCell]) -> list[_Pass]:
    """Passes in the order of time; a workload that a case ran again belongs to its next pass."""
    by_pass: dict[tuple[CaseKey, int], list[LegacyCell]] = {(case, 0): [] for case in tree.cases}
    repeats: Counter[tuple[CaseKey, str]] = Counter()
    for cell in sorted(cells, key=lambda cell: cell.stamp):
        by_pass.setdefault((cell.case, repeats[cell.case, cell.workload]), []).append(cell)
        repeats[cell.case, cell.workload] += 1

    def stamp(key: tuple[CaseKey, int]) -> str:
        return min((cell.stamp for cell in by_pass[key]), default=tree.first_stamp(key[0]))

    positions: Counter[tuple[int, str]] = Counter()
    passes = []
    for case, number in sorted(by_pass, key=lambda key: (stamp(key), key)):
        position = positions[case.iteration, case.layer]
        passes.append(_Pass(case, number, tuple(by_pass[case, number]), position))
        positions[case.iteration, case.layer] += 1
    return passes


def _never_run(passes: Sequence[_Pass]) -> dict[CaseKey, list[str]]:
    """By case: workloads that another case of its iteration and layer ran, and it never did."""
    of_iteration: dict[tuple[int, str], set[str]] = defaultdict(set)
    of_case: dict[CaseKey, set[str]] = defaultdict(set)
    for each in passes:
        ran = {cell.workload for cell in each.cells}
        of_iteration[each.case.iteration, each.case.layer] |= ran
        of_case[each.case] |= ran
    return {
        case: sorted(of_iteration[case.iteration, case.layer] - ran)
        for case, ran in of_case.items()
    }


def _case_names(cases: Sequence[CaseKey]) -> dict[str, str]:
    """A case's name by its folder; with its number if two cases have the same name."""
    folders = {case.folder: case_name(case.folder) for case in cases}
    uses = Counter(name.case for name in folders.values())
    return {
        folder: name.case if uses[name.case] == 1 else f"{name.case}_case_{name.id}"
        for folder, name in folders.items()
    }


def _case(tree: LegacyTree, case: CaseKey) -> _Row:
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


def _cell(
    tree: LegacyTree, cell: LegacyCell, monitor: Monitor | None, kind: CaseKind, zone: float | None
) -> _Row:
    """A cell's verdict, times and nodes."""
    results = _judge(cell, monitor, kind)
    failed = gates.blocking(results, required=())
    started, ended = _times(tree, cell, zone)
    window = cell.load.window
    clock = None if monitor is None else monitor.clock
    return {
        "status": "passed" if failed is None else "invalid",
        "gate": None if failed is None else failed.gate,
        "reason": None if failed is None else failed.observed,
        "reason_zh": None if failed is None else failed.observed_zh or None,
        "gates": json.dumps([_fields(result) for result in results], ensure_ascii=False),
        "started": started,
        "ended": ended,
        "window_s": None if window is None else window.duration_s,
        "server": cell.server,
        "client": cell.client,
        "tool_host": None if monitor is None else monitor.node,
        "clock": "unaligned" if clock and window is None else clock,
        "raw_path": str(PurePosixPath(cell.files[0].path).parent),
    }


def _measured(cell: LegacyCell, monitor: Monitor | None) -> tuple[list[Sample], list[Interval]]:
    """The load's scalars and series, and the tool's if the load's window is known."""
    samples, intervals = list(cell.load.samples), list(cell.load.intervals)
    if monitor is not None and cell.load.window is not None:
        tool_samples, tool_intervals = monitor.cut(cell.load.window)
        samples += tool_samples
        intervals += tool_intervals
    return samples, intervals


def _judge(cell: LegacyCell, monitor: Monitor | None, kind: CaseKind) -> tuple[GateResult, ...]:
    load, window = cell.load, cell.load.window
    aligned = monitor is not None and monitor.clock == "start_epoch"
    observation = gates.Observation(
        workload_kind=cell.kind,
        requested_s=load.requested_s,
        load_s=load.load_s,
        load_processes=cell.processes,
        zero_intervals=load.zero_intervals,
        parse_errors=tuple(cell.errors),
        monitor_rows=tuple(u.epoch_s for u in monitor.uses) if monitor and aligned else None,
        window_start=None if window is None else window.start,
        window_end=None if window is None else window.end,
        monitor_interval_s=None if monitor is None else monitor.interval_s,
    )
    return (*gates.judge(observation, kind), *load.notes)


def _times(
    tree: LegacyTree, cell: LegacyCell, zone: float | None
) -> tuple[datetime | None, datetime | None]:
    """Start and end of the window, or of the whole test for netperf, which writes no time."""
    if cell.load.window is not None:
        return _time(cell.load.window.start), _time(cell.load.window.end)
    if zone is None:
        return None, None
    files = [file for file in tree.of(Role.COMPLETE, cell.case) if file.stamp == cell.stamp]
    ended = tree.first(files, _completed)
    return _time(stamp_s(cell.stamp) - zone), None if ended is None else _time(ended - zone)


def _command(text: str, source: str) -> str:
    match = _COMMAND.search(text)
    if match is None:
        raise ParseError(source, "no command")
    return match[1].strip()


def _completed(text: str, source: str) -> float:
    match = _COMPLETED.search(text)
    if match is None:
        raise ParseError(source, "no time of completion")
    return logsize.local_seconds(match[1], source)


def _fields(record: Sample | Interval | GateResult) -> _Row:
    """A flat record's fields; `asdict` copies deeply, which is most of a large tree's time."""
    return {name: getattr(record, name) for name in record.__slots__}


def _time(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def _run(rows: Sequence[_Row], cells: Sequence[LegacyCell]) -> _Row:
    workloads = {cell.workload: _workload(cell) for cell in cells if cell.load.protocol}
    return {
        "source": "legacy",
        "schema_version": schema.VERSION,
        "clock": str(Clock.WALL),
        "started": min((row["started"] for row in rows if row.get("started")), default=None),
        "ended": max((row["ended"] for row in rows if row.get("ended")), default=None),
        "iterations": max(row["iteration"] for row in rows),
        "workloads": json.dumps(list(workloads.values())),
    }


def _workload(cell: LegacyCell) -> _Row:
    """The settings that the load's own output holds, named as those of a plan's workload."""
    return {
        "name": cell.workload,
        "kind": cell.kind,
        "program": "netperf" if cell.kind == "latency" else "iperf3",
        "protocol": cell.load.protocol,
        "streams": cell.processes,
        **{name: cell.load.settings.get(name) for name in ("window_s", "warmup_s", "length")},
    }
