"""The run folder: the folder of one environment of one run, and every file in it.

    <results>/<run>/<environment>/
        environment.json       the environment when the campaign began (EnvironmentRecord)
        config/<env>-full.yaml the environment's configuration at that time; the run reads this copy
        workflow.json          the plan; replaced when an interim analysis changes it
        outcomes.jsonl         the journal: a line per cell, as soon as its outcome is known
        steps.jsonl            a line per step
        readings.jsonl         the stored readings: a line per cell; files are parsed once
        uncleaned.json         the residue note: a tool whose host is not known to be clean
        iteration_NNN/…        the raw results (rawtree.py)

`readings.jsonl` is derived from the raw results: if it is deleted, they are read again. All other
files are sources.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from ..model.clock_kind import Clock
from ..model.documents import input_errors
from ..model.errors import InputError, raise_all
from ..model.full import FullConfig, environment_of, find_config, read_full
from ..model.outcome import TRANSPORT, CellPlace, CellReading, CellStatus, Outcome
from ..model.plan import Plan
from . import journal, rawtree, schema, workflow

ENVIRONMENT = "environment.json"
READING_FORMAT = 7
"""Increased when parsing or judging a cell's files changes, so that older readings are not used."""

_SLOTS = f"iteration_*/*/{rawtree.TREE}/**/metadata_*.json"


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """environment.json. Fields that an older version of the program did not write are empty."""

    environment: str
    run: str
    schema_version: int
    program_version: str | None = None
    config_dir: str = ""  # where full.yaml was copied from
    hardware: str | None = None
    clock: Clock = Clock.WALL
    hosts: tuple[str, ...] = ()  # addresses
    design: dict[str, Any] = field(default_factory=dict)
    workloads: list[dict[str, Any]] | None = None
    skipped_cases: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] | None = None  # by node


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A line of readings.jsonl. `source` names the metadata and files that it was read from."""

    reading: CellReading
    source: str
    format: int = READING_FORMAT


_ENVIRONMENT = TypeAdapter(EnvironmentRecord)
_OUTCOME = TypeAdapter(Outcome)
_READING = TypeAdapter(StoredReading)


@dataclass(frozen=True)
class RunFolder:
    """The run folder. Reading raises InputError, which names the file and the key."""

    path: Path

    @classmethod
    def create(cls, path: Path, config_dir: Path, run: str, plan: Plan) -> Self:
        """Creates the folder with this environment's configuration and plan."""
        full_path, _ = find_config(config_dir)
        environment = environment_of(read_full(full_path))
        folder = cls(path)
        copy = path / "config" / full_path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(full_path.read_bytes())
        folder.write_plan(plan)
        record = EnvironmentRecord(
            environment=environment.name,
            run=run,
            schema_version=schema.VERSION,
            program_version=version("ebpf-overhead"),
            config_dir=str(config_dir.resolve()),
            hardware=environment.hardware,
            clock=environment.clock,
            hosts=tuple(sorted({node.host for node in environment.nodes.values()})),
            design=asdict(plan.design),
            workloads=[asdict(workload) for workload in plan.workloads],
            skipped_cases={c.name: c.skipped for c in plan.cases if c.skipped},
            facts={
                name: facts.model_dump(mode="json", exclude_none=True)
                for name, facts in environment.facts.items()
            },
        )
        folder.write_environment(record)
        return folder

    @property
    def exists(self) -> bool:
        """Whether `path` is a run folder of this program."""
        return (self.path / ENVIRONMENT).is_file()

    @property
    def is_measured(self) -> bool:
        """Whether a slot was measured and its metadata written."""
        return any(self.path.glob(_SLOTS))

    # -- configuration and plan

    def write_environment(self, record: EnvironmentRecord) -> None:
        rawtree.write_json(self.path / ENVIRONMENT, record)

    @cached_property
    def environment(self) -> EnvironmentRecord:
        file = self.path / ENVIRONMENT
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(str(file), "", f"cannot be read: {error}") from error
        if not isinstance(document, dict):
            raise InputError(str(file), "", "is not a mapping", "the file that a campaign wrote")
        known = document.get("schema_version")
        if not isinstance(known, int) or known > schema.VERSION:
            problem = f"{known!r} is not known here"
            raise InputError(str(file), "schema_version", problem, f"≤ {schema.VERSION}")
        try:
            return _ENVIRONMENT.validate_python(document)
        except ValidationError as error:
            raise_all(input_errors(str(file), EnvironmentRecord, error))
            raise

    @property
    def occupied(self) -> tuple[str, ...]:
        """What no other run may use meanwhile: the addresses of its hosts, and its hardware."""
        known = self.environment
        return (*known.hosts, *([known.hardware] if known.hardware else []))

    def full(self) -> FullConfig:
        """The environment as it was when the run began, whatever bootstrap has written since."""
        return read_full(self._full_copy, Path(self.environment.config_dir))

    @property
    def _full_copy(self) -> Path:
        return find_config(self.path / "config")[0]

    def changed_original(self) -> str:
        """A line that says that the original full.yaml differs from this run's copy; else empty."""
        original = Path(self.environment.config_dir) / self._full_copy.name
        if original.is_file() and original.read_bytes() != self._full_copy.read_bytes():
            return f"{original} has changed since the run began; the run keeps its own copy"
        return ""

    def plan(self) -> Plan:
        return workflow.read(self.path / workflow.FILE)

    def write_plan(self, plan: Plan) -> None:
        workflow.write(self.path / workflow.FILE, plan)

    @property
    def has_plan(self) -> bool:
        """False for raw results that were copied here without their plan."""
        return (self.path / workflow.FILE).exists()

    # -- what load workloads are shares of

    @property
    def capacities(self) -> dict[str, float]:
        """Layer -> packets/s that its baseline holds, as far as it was searched for."""
        file = self.path / "capacity.json"
        if not file.exists():
            return {}
        return {layer: float(pps) for layer, pps in json.loads(file.read_text("utf-8")).items()}

    def write_capacities(self, capacities: Mapping[str, float]) -> None:
        rawtree.write_json(self.path / "capacity.json", dict(capacities))

    # -- journal

    def add_outcome(self, outcome: Outcome) -> None:
        journal.append(self.path / "outcomes.jsonl", outcome)

    def outcomes(self) -> dict[CellPlace, Outcome]:
        """The last outcome of every cell; empty if nothing has been measured yet."""
        lines = journal.read(self.path / "outcomes.jsonl", _OUTCOME)
        return {outcome.key.place: _migrated(outcome) for outcome in lines}

    def add_step(self, step: Any) -> None:
        journal.append(self.path / "steps.jsonl", step)

    @property
    def residue_note(self) -> Path:
        return self.path / "uncleaned.json"

    # -- raw results and readings

    def tree(self, iteration: int, node: str) -> Path:
        """The local folder of one node's results of one iteration."""
        return rawtree.node_tree(self.path, iteration, node)

    def slot_files(self) -> list[Path]:
        """The metadata of every slot that was measured."""
        return sorted(self.path.glob(_SLOTS))

    def add_reading(
        self, reading: CellReading, slot: rawtree.SlotRecord, cell: rawtree.CellRecord
    ) -> None:
        stored = StoredReading(reading, self.source_of(slot, cell))
        journal.append(self.path / "readings.jsonl", stored)

    def readings(self) -> dict[str, CellReading]:
        """The stored readings, by their source."""
        lines = journal.read(self.path / "readings.jsonl", _READING)
        return {line.source: line.reading for line in lines if line.format == READING_FORMAT}

    def source_of(self, slot: rawtree.SlotRecord, cell: rawtree.CellRecord) -> str:
        """A digest of what a reading depends on: both records, the files' names and sizes."""
        nodes = {"client": slot.client, "server": slot.server, "monitor": slot.tool_host}
        files = [
            (side, file.name, file.stat().st_size)
            for side, folder in sorted(cell.folders.items())
            for file in sorted((self.tree(slot.iteration, nodes[side]) / folder).glob("*"))
        ]
        text = json.dumps([asdict(slot), asdict(cell), files], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def run_folders(path: Path) -> list[RunFolder]:
    """The environments of the run at or above `path`, which is the folder of the run, of one of its
    environments, or of an iteration; empty if it belongs to no run of this program."""
    for folder in (RunFolder(path), RunFolder(path.parent)):
        if folder.exists:
            return [folder]
    entries = sorted(path.iterdir()) if path.is_dir() else []
    return [folder for entry in entries if (folder := RunFolder(entry)).exists]


def laid_out(run: Path) -> list[RunFolder]:
    """The environments of the run in `run`. Raises InputError if there is none."""
    folders = [RunFolder(file.parent) for file in sorted(run.glob(f"*/{ENVIRONMENT}"))]
    if not folders:
        raise InputError(str(run), "", "is not a run's folder", "one with an environment in it")
    return folders


def hardware_groups(folders: Iterable[RunFolder]) -> list[list[RunFolder]]:
    """Groups of environments that share a host or hardware, and so are never measured at the same
    time."""
    groups: list[list[RunFolder]] = []
    used: dict[str, list[RunFolder]] = {}  # a host's address or a hardware's id -> its group
    for folder in folders:
        group = next((used[name] for name in folder.occupied if name in used), None)
        if group is None:
            groups.append(group := [])
        group.append(folder)
        used.update(dict.fromkeys(folder.occupied, group))
    return groups


def _migrated(outcome: Outcome) -> Outcome:
    """Before metadata format 2, only the reason of a failed cell named a lost connection."""
    gate, _, reason = outcome.reason.partition(": ")
    if outcome.status is CellStatus.FAILED and gate == TRANSPORT:
        return replace(outcome, status=CellStatus.INVALID, gate=gate, reason=reason)
    return outcome
