"""This program's raw results trees: every cell read and judged again, as rows of the tables."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ..model.errors import InputError, ParseError
from ..model.metrics import METRICS
from ..model.outcome import BpfProgram, CellKey, CellStatus, Outcome
from ..model.plan import Case
from ..storage import journal, rawtree, schema
from .cell import key_of, read_cell
from .planned import never_measured
from .records import MANIFEST, FileStatus, Reading

ENVIRONMENT_FILE = "environment.json"
"""What the campaign knew when it began: run's settings, facts, plan's design."""

_RAW_NAMES = ("_client_", rawtree.SNAPSHOTS, rawtree.PIDSTAT, rawtree.LOG_SIZE)


@dataclass(slots=True)
class _Rows:
    cells: list[dict[str, Any]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    intervals: list[dict[str, Any]] = field(default_factory=list)
    programs: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[Path, str] = field(default_factory=dict)
    metadata: set[Path] = field(default_factory=set)
    found: dict[CellKey, tuple[rawtree.SlotRecord, rawtree.CellRecord]] = field(
        default_factory=dict
    )


def is_native(folder: Path) -> bool:
    """Whether `folder` is one environment of a run of this program."""
    return (folder / ENVIRONMENT_FILE).is_file()


def environments(path: Path) -> list[Path]:
    """Environment folders at, in or above `path` (a run, an environment, or an iteration)."""
    if is_native(path):
        return [path]
    if is_native(path.parent):
        return [path.parent]
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and is_native(entry))


_SLOTS = f"iteration_*/*/{rawtree.TREE}/**/metadata_*.json"


def measured(folder: Path) -> bool:
    """Whether anything of an environment was measured and collected yet."""
    return any(folder.glob(_SLOTS))


def read_environment(folder: Path) -> Reading:
    """One environment of one run. Raises InputError where the tree holds no cell."""
    known = _known(folder)
    rows = _Rows()
    for slot_file in sorted(folder.glob(_SLOTS)):
        _slot(folder, slot_file, rows)
    for slot, cell in rows.found.values():
        _cell(folder, slot, cell, rows)
    if not rows.cells:
        refused = (f"; {path}: {reason.splitlines()[0]}" for path, reason in rows.refused.items())
        problem = "holds no measured cell" + next(refused, "")
        raise InputError(str(folder), "", problem, "a results tree of a run")
    measured = {journal.place_of(Outcome(key, CellStatus.SKIPPED)) for key in rows.found}
    for case, never in never_measured(folder, known["environment"], known["run"], measured):
        rows.cells.append(_skipped(case, never))
    return Reading(
        runs=_run(folder, known, rows),
        cells=schema.CELLS.frame(rows.cells),
        samples=schema.SAMPLES.frame(rows.samples),
        intervals=schema.INTERVALS.frame(rows.intervals),
        bpf_programs=schema.BPF_PROGRAMS.frame(rows.programs),
        manifest=pl.DataFrame(list(_manifest(folder, rows)), schema=MANIFEST, orient="row"),
    )


def _known(folder: Path) -> dict[str, Any]:
    path = folder / ENVIRONMENT_FILE
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(str(path), "", f"cannot be read: {error}") from error
    if not isinstance(known, dict):
        raise InputError(str(path), "", "is no mapping", "what a campaign writes")
    version = known.get("schema_version")
    if not isinstance(version, int) or version > schema.VERSION:
        raise InputError(
            str(path), "schema_version", f"{version!r} is not known here", f"≤ {schema.VERSION}"
        )
    for key in ("environment", "run"):
        if not isinstance(known.get(key), str):
            raise InputError(str(path), key, f"{known.get(key)!r}", "a name")
    return known


def _slot(folder: Path, slot_file: Path, rows: _Rows) -> None:
    rows.metadata.add(slot_file)
    try:
        slot = rawtree.read_slot(slot_file)
    except ParseError as error:
        rows.refused[slot_file] = error.reason
        return
    tree = rawtree.node_tree(folder, slot.iteration, slot.client)
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
            # A cell whose run died before its outcome was known is there once more.
            if key not in rows.found or rows.found[key][1].started < cell.started:
                rows.found[key] = (slot, cell)


def _cell(folder: Path, slot: rawtree.SlotRecord, cell: rawtree.CellRecord, rows: _Rows) -> None:
    reading = read_cell(lambda node: rawtree.node_tree(folder, slot.iteration, node), slot, cell)
    key = asdict(reading.key)
    window = reading.windows.get(slot.server)
    case = slot.case
    rows.cells.append(
        {
            **key,
            "case_id": case.id,
            **_traits(slot.case),
            "parameters": json.dumps(case.parameters, sort_keys=True),
            "command": case.command or None,
            "tool_sha256": slot.tool.sha256 or None if slot.tool else None,
            "status": str(reading.status),
            "gate": reading.gate or None,
            "reason": reading.reason or None,
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
    # Of a cell that does not count no number is published; its files stay where they are.
    if reading.status is not CellStatus.PASSED:
        return
    for sample in reading.samples:
        rows.samples.append(
            {
                **key,
                "metric": sample.metric,
                "value": sample.value,
                "unit": METRICS[sample.metric].unit,
                "node": sample.node,
                "source": sample.source,
            }
        )
    for point in reading.intervals:
        rows.intervals.append({**key, **asdict(point)})


def _skipped(case: Case, never: Outcome) -> dict[str, Any]:
    return {
        **asdict(never.key),
        "case_id": case.id,
        **_traits(case),
        "parameters": json.dumps(case.parameters, sort_keys=True),
        "command": case.command or None,
        "status": str(never.status),
        "reason": never.reason,
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


def _run(folder: Path, known: Mapping[str, Any], rows: _Rows) -> pl.DataFrame:
    times = [time for cell in rows.cells if (time := cell.get("started")) is not None]
    ends = [time for cell in rows.cells if (time := cell.get("ended")) is not None]
    design = known.get("design") or {}
    return schema.RUNS.frame(
        [
            {
                "environment": known["environment"],
                "run": known["run"],
                "source": "native",
                "schema_version": schema.VERSION,
                "program_version": known.get("program_version"),
                "started": min(times, default=None),
                "ended": max(ends, default=None),
                "seed": design.get("seed"),
                "iterations": design.get("iterations"),
                "baseline_every": design.get("baseline_every"),
                "design": json.dumps(design, sort_keys=True),
                "workloads": json.dumps(known.get("workloads"), sort_keys=True),
                "facts": json.dumps(known.get("facts"), ensure_ascii=False),
                "hardware": known.get("hardware"),
                "raw_path": str(folder),
            }
        ]
    )


def _time(epoch_s: float | None) -> datetime | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)


def _manifest(folder: Path, rows: _Rows) -> Iterator[tuple[str, str, str]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if path in rows.refused:
            yield name, FileStatus.REFUSED, rows.refused[path]
        elif path in rows.metadata or any(part in path.name for part in _RAW_NAMES):
            yield name, FileStatus.READ, ""
        else:
            yield name, FileStatus.NOT_NEEDED, "kept as it came"
