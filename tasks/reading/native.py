"""This program's raw results trees as rows of the tables: from the stored reading of each cell, or,
if there is none, from its files."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from ..model.errors import InputError, ParseError
from ..model.metrics import METRICS
from ..model.outcome import BpfProgram, CellKey, CellReading, CellStatus, Outcome
from ..model.plan import PARTS_JOINED_BY, Case
from ..storage import journal, rawtree, schema
from ..storage.run_folder import RunFolder
from .cell import key_of, read_cell
from .planned import never_measured
from .records import MANIFEST, FileStatus, Reading

_RAW_NAMES = ("_client_", rawtree.SNAPSHOTS, rawtree.PIDSTAT, rawtree.LOG_SIZE,
              rawtree.MEMORY, rawtree.EVENTS)  # fmt: skip


@dataclass(slots=True)
class _Rows:
    cells: list[dict[str, Any]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    intervals: list[dict[str, Any]] = field(default_factory=list)
    programs: list[dict[str, Any]] = field(default_factory=list)
    completeness: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[Path, str] = field(default_factory=dict)
    metadata: set[Path] = field(default_factory=set)
    found: dict[CellKey, tuple[rawtree.SlotRecord, rawtree.CellRecord]] = field(
        default_factory=dict
    )


def read_environment(folder: RunFolder) -> Reading:
    """One environment of one run. Raises InputError if the tree holds no cell."""
    _ = folder.environment  # a broken environment.json is refused before anything else is read
    rows = _Rows()
    for slot_file in folder.slot_files():
        _slot(folder, slot_file, rows)
    stored = folder.readings()
    for slot, cell in rows.found.values():
        tree = partial(folder.tree, slot.iteration)
        # removed from `stored`, so that its memory is free for the rows
        reading = stored.pop(folder.source_of(slot, cell), None) or read_cell(tree, slot, cell)
        _cell(reading, slot, cell, rows)
    if not rows.cells:
        refused = (f"; {path}: {reason.splitlines()[0]}" for path, reason in rows.refused.items())
        problem = "holds no measured cell" + next(refused, "")
        raise InputError(str(folder.path), "", problem, "a results tree of a run")
    for case, never in never_measured(folder, {key.place for key in rows.found}):
        rows.cells.append(_skipped(case, never))
    return Reading(
        runs=_run(folder, rows),
        cells=schema.CELLS.frame(rows.cells),
        samples=schema.SAMPLES.frame(rows.samples),
        intervals=schema.INTERVALS.frame(rows.intervals),
        bpf_programs=schema.BPF_PROGRAMS.frame(rows.programs),
        completeness=schema.COMPLETENESS.frame(rows.completeness),
        manifest=pl.DataFrame(list(_manifest(folder.path, rows)), schema=MANIFEST, orient="row"),
    )


def _slot(folder: RunFolder, slot_file: Path, rows: _Rows) -> None:
    rows.metadata.add(slot_file)
    try:
        slot = rawtree.read_slot(slot_file)
    except ParseError as error:
        rows.refused[slot_file] = error.reason
        return
    tree = folder.tree(slot.iteration, slot.client)
    if slot.attribution is not None:
        rows.programs += [_program(slot, program) for program in slot.attribution.programs]
    own = slot_file.relative_to(tree).as_posix()
    for cell_file in sorted(slot_file.parent.glob(f"client_results/*/*/{rawtree.METADATA}")):
        try:
            cell = rawtree.read_cell(cell_file)
        except ParseError as error:
            rows.refused[cell_file] = error.reason
            continue
        if cell.slot == own:
            rows.metadata.add(cell_file)
            key = key_of(slot, cell.workload.name)
            # a cell is measured again if its run died before its outcome was recorded
            if key not in rows.found or rows.found[key][1].started < cell.started:
                rows.found[key] = (slot, cell)


def _cell(
    reading: CellReading, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, rows: _Rows
) -> None:
    key = asdict(reading.key)
    window = reading.windows.get(slot.server)
    case = slot.case
    rows.cells.append(
        {
            **key,
            **_described(case),
            "tool_sha256": " ".join(tool.sha256 for tool in slot.tools).strip() or None,
            "status": str(reading.status),
            "gate": reading.gate or None,
            "reason": reading.reason or None,
            "reason_zh": reading.reason_zh or None,
            "gates": json.dumps([asdict(gate) for gate in reading.gates], ensure_ascii=False),
            "started": _time(window.start if window else None),
            "ended": _time(window.end if window else None),
            "window_s": window.duration_s if window else None,
            "server": slot.server,
            "client": slot.client,
            "tool_host": slot.tool_host,
            "epoch": cell.epoch or slot.epoch or None,
            "clock": "same_host",
            "raw_path": cell.folders["client"],
        }
    )
    # values of a cell that does not count enter no table; its files are kept
    if reading.status is not CellStatus.PASSED:
        return
    rows.completeness += ({**key, **_traits(case), **asdict(ledger)} for ledger in reading.ledgers)
    for sample in reading.samples:
        rows.samples.append(
            {
                **key,
                "metric": sample.metric,
                "value": sample.value,
                "unit": METRICS[sample.metric].unit,
                "node": sample.node,
                "source": sample.source,
                "n": sample.n,
                "resolution": sample.resolution,
                "reason": sample.reason,
                "reason_zh": sample.reason_zh,
            }
        )
    for point in reading.intervals:
        rows.intervals.append({**key, **asdict(point)})


def _skipped(case: Case, never: Outcome) -> dict[str, Any]:
    return {
        **asdict(never.key),
        **_described(case),
        "status": str(never.status),
        "gate": never.gate or None,
        "reason": never.reason,
        "reason_zh": never.reason_zh or None,
    }


def _described(case: Case) -> dict[str, Any]:
    """What a row of `cells` says of its case."""
    return {
        "case_id": case.id,
        **_traits(case),
        "parameters": json.dumps(case.parameters, sort_keys=True),
        "command": case.command or None,
        "parts": PARTS_JOINED_BY.join(part.name for part in case.parts) or None,
    }


def _traits(case: Case) -> dict[str, Any]:
    return {
        "kind": str(case.kind),
        "tool": case.tool,
        "tool_class": str(case.tool_class) if case.tool_class else None,
        "category": case.category or None,
        "protocol": case.parameters.get("protocol"),
        "direction": case.parameters.get("direction"),
    }


def _program(slot: rawtree.SlotRecord, program: BpfProgram) -> dict[str, Any]:
    count, spent, packets = program.run_cnt, program.run_time_ns, program.packets
    return {
        "environment": slot.environment,
        "run": slot.run,
        "layer": str(slot.layer),
        "iteration": slot.iteration,
        "position": slot.position,
        "case": slot.case.name,
        **_traits(slot.case),
        **asdict(program),
        "ns_per_event": spent / count if spent is not None and count else None,
        "events_per_packet": count / packets if count is not None and packets else None,
        "cpu_pct": (
            spent / 1e7 / program.duration_s if spent is not None and program.duration_s else None
        ),
    }


def _run(folder: RunFolder, rows: _Rows) -> pl.DataFrame:
    known = folder.environment
    times = [time for cell in rows.cells if (time := cell.get("started")) is not None]
    ends = [time for cell in rows.cells if (time := cell.get("ended")) is not None]
    return schema.RUNS.frame(
        [
            {
                "environment": known.environment,
                "run": known.run,
                "source": "native",
                "schema_version": schema.VERSION,
                "program_version": known.program_version,
                "started": min(times, default=None),
                "ended": max(ends, default=None),
                "seed": known.design.get("seed"),
                "iterations": known.design.get("iterations"),
                "baseline_every": known.design.get("baseline_every"),
                "design": json.dumps(known.design, sort_keys=True),
                "workloads": json.dumps(known.workloads, sort_keys=True),
                "facts": json.dumps(known.facts, ensure_ascii=False),
                "hardware": known.hardware,
                "clock": str(known.clock),
                "raw_path": str(folder.path),
            }
        ]
    )


def _time(epoch_s: float | None) -> datetime | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)


def _manifest(folder: Path, rows: _Rows) -> Iterator[tuple[str, str, str]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".jsonl" and (cut := journal.cut_lines(path)):
            lines = ", ".join(map(str, cut))
            yield name, FileStatus.REFUSED, f"line {lines} is cut; `run --resume` measures it again"
        elif path in rows.refused:
            yield name, FileStatus.REFUSED, rows.refused[path]
        elif path in rows.metadata or any(part in path.name for part in _RAW_NAMES):
            yield name, FileStatus.READ, ""
        else:
            yield name, FileStatus.NOT_NEEDED, "kept unread"
