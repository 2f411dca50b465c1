"""The raw results tree of one iteration: its files, laid out as in the published framework, and the
metadata of slots and cells.

    iteration_001/<node>/performance-test-results/
        baseline/<layer>/…
        ebpf/<tool>_case_<id>_<protocol>_<direction>_<hash>/<layer>/
            metadata_<position>_<ts>.json            a slot: one attach of the case's tool
            ebpf_output_<ts>.log  ebpf_stderr_<ts>.log
            client_results/<kind>/<config>_<ts>/     a cell; metadata.json on the client's side
            server_results/<kind>/<config>_<ts>/
            ebpf_monitoring/<kind>_<config>_<ts>/

Identity is read from the metadata, never parsed back out of a path.

Format of the metadata, newest first; `_migrated` converts the older ones:
2 — 2026-11-25: a cell's `failure` is a gate and a reason, and `not_fetched` a field of its own;
    `looks` became `host_states`, and their `world` became `settings`.
1 — 2026-11-22: first.
"""

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from ..model.environment import Layer
from ..model.errors import ParseError
from ..model.outcome import TRANSPORT, BpfProgram, Failure, HostState
from ..model.plan import Case, CaseKind, Workload

FORMAT = 2
TREE = "performance-test-results"
METADATA = "metadata.json"  # of a cell, in its client folder
SNAPSHOTS = "snapshots.log"  # in the client's and the server's folder, else in the monitor's
PIDSTAT = "pidstat.log"  # in the monitor folder
LOG_SIZE = "logsize.log"
MEMORY = "memory.log"
EVENTS = "events.log"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ToolRecord:
    """The started tool. Durations in seconds; pid and start ticks as the host reports them."""

    pid: int
    start_ticks: int
    pids: tuple[int, ...]
    ready_s: float  # from its start until it counted as attached
    sha256: str = ""
    programs: tuple[int, ...] = ()  # the kernel's ids of the BPF programs that it held then


@dataclass(frozen=True, slots=True)
class Attribution:
    """The pass in which the kernel counted the runs and time of the tool's programs, under a paced
    load."""

    programs: tuple[BpfProgram, ...]
    packets: int | None
    duration_s: float
    rate: str


@dataclass(frozen=True, slots=True)
class StartRecord:
    """One start of a case's tools in a window, once all were attached. None: not known."""

    ready_s: float
    cpu_s: float | None  # of the tools' processes, from their start until they were attached
    rss_peak_kib: int | None
    maps_bytes: int | None  # of the maps that their programs use


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """One slot: everything that the cells of its case share."""

    environment: str
    run: str
    layer: Layer
    iteration: int
    position: int
    attempt: int
    ts: str
    case: Case
    server: str
    client: str
    tool_host: str
    server_interface: str
    client_interface: str
    monitor_interval_s: float
    epoch: str
    max_load: float | None = None
    load_before: float | None = None
    tool: ToolRecord | None = None  # the first, if several run together
    others: tuple[ToolRecord, ...] = ()  # that run together with it
    programs_before: tuple[int, ...] | None = None
    programs_after: tuple[int, ...] | None = None
    attribution: Attribution | None = None
    left_behind: tuple[str, ...] | None = None  # the tool's residue; None: not checked
    host_states: dict[str, HostState] = field(default_factory=dict)  # by node, before the cells
    baseline_epoch: str = ""  # of the iteration's first baseline
    format: int = FORMAT

    @property
    def tools(self) -> tuple[ToolRecord, ...]:
        """Those that were started; none for a baseline."""
        return () if self.tool is None else (self.tool, *self.others)


@dataclass(frozen=True, slots=True)
class CellRecord:
    """One workload of a slot: what was run, where its files are, how it ended."""

    workload: Workload
    ts: str
    slot: str  # the slot's metadata, below the tree's root on the client node
    folders: dict[str, str]  # client, server, monitor -> folder below the tree's root
    ports: tuple[int, ...]
    started: float  # epoch s, our clock
    ended: float
    failure: Failure | None = None  # why it could not be run to its end
    not_fetched: str = ""  # why its files are still on the hosts
    clock_offset_s: dict[str, float] = field(default_factory=dict)  # the host's clock minus ours
    clock_error_s: dict[str, float] = field(default_factory=dict)  # half the round trip
    own_pids: dict[str, tuple[int, ...]] = field(default_factory=dict)  # our processes there
    host_states: dict[str, HostState] = field(default_factory=dict)  # by node, after the load
    epoch: str = ""  # the fingerprint that they give
    programs: tuple[int, ...] | None = None  # BPF programs that the tool holds after the window
    starts: tuple[StartRecord, ...] = ()  # of a start workload: those that its window held
    format: int = FORMAT


def case_folder(case: Case) -> str:
    """`baseline`, or `ebpf/<tool>_case_<id>_<protocol>_<direction>_<hash>`."""
    if case.kind is CaseKind.BASELINE:
        return "baseline"
    digest = hashlib.sha256(case.command.encode()).hexdigest()[:6]
    words = [case.tool or case.name, "case", str(case.id)]
    words += [case.parameters[key] for key in ("protocol", "direction") if key in case.parameters]
    return "ebpf/" + "_".join([*words, digest])


def events_file(part: int) -> str:
    """The readings of the events of a cell's tool, counted from 0."""
    return EVENTS if part == 0 else f"events_{part}.log"


def output_files(case: Case, ts: str) -> list[tuple[str, str]]:
    """For each of the case's tools the files of its output and of its errors, in the slot's
    folder."""
    again = ("", *(f"_{part}" for part in range(1, len(case.tools))))
    return [(f"ebpf_output_{ts}{part}.log", f"ebpf_stderr_{ts}{part}.log") for part in again]


def slot_folder(case: Case, layer: Layer) -> str:
    return f"{case_folder(case)}/{layer}"


def stamp(attempt: int) -> str:
    """A timestamp for names: UTC to the second, and the attempt if it is not the first."""
    again = "" if attempt == 1 else f"_{attempt}"
    return time.strftime("%Y%m%d_%H%M%S", time.gmtime()) + again


def first_baseline(tree: Path, layer: Layer) -> SlotRecord | None:
    """The latest attempt of the iteration's first baseline, from the client node's tree."""
    files = sorted(tree.glob(f"baseline/{layer}/metadata_000_*.json"))
    return read_slot(files[-1]) if files else None


def cell_folders(case: Case, layer: Layer, workload: Workload, ts: str) -> dict[str, str]:
    """Folder by side (client, server, monitor), below the tree's root."""
    base, leaf = slot_folder(case, layer), f"{workload.kind}/{workload.config}_{ts}"
    return {
        "client": f"{base}/client_results/{leaf}",
        "server": f"{base}/server_results/{leaf}",
        "monitor": f"{base}/ebpf_monitoring/{leaf}",
    }


def iteration_folder(iteration: int) -> str:
    return f"iteration_{iteration:03d}"


def node_tree(environment_dir: Path, iteration: int, node: str) -> Path:
    """The local folder of one node's results of one iteration."""
    return environment_dir / iteration_folder(iteration) / node / TREE


def write_json(path: Path, record: Any) -> None:
    """Writes a record (dataclass or plain) completely or not at all."""
    text = json.dumps(
        record if isinstance(record, dict | list) else asdict(record),
        indent=1,
        sort_keys=True,
        ensure_ascii=False,
    )
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Writes the text and a newline, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)


_SLOT = TypeAdapter(SlotRecord)
_CELL = TypeAdapter(CellRecord)


def read_slot(path: Path) -> SlotRecord:
    return _read(path, _SLOT)


def read_cell(path: Path) -> CellRecord:
    return _read(path, _CELL)


def _read(path: Path, adapter: TypeAdapter[_T]) -> _T:
    """Raises ParseError if the file is not a record of a known format."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict):
            if record.get("format", 0) > FORMAT:
                raise ParseError(str(path), f"format {record['format']} is newer than {FORMAT}")
            record = _migrated(record)
        return adapter.validate_python(record)
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise ParseError(str(path), f"not a record of this program: {error}") from error


_NOT_FETCHED = "not fetched: "


def _migrated(record: dict[str, Any]) -> dict[str, Any]:
    """A record of an older format in the current one."""
    if record.get("format") != 1:
        return record
    looks = record.pop("looks", {})
    record["host_states"] = {
        node: {**look, "settings": look["world"]} for node, look in looks.items()
    }
    gate, _, reason = record.get("failure", "").partition(": ")
    if gate == TRANSPORT and reason.startswith(_NOT_FETCHED):
        record["not_fetched"], gate = reason.removeprefix(_NOT_FETCHED), ""
    record["failure"] = {"gate": gate, "reason": reason} if gate else None
    return record
