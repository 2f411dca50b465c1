"""The published framework's tree: what each file is, from its path alone.

    iteration_001/<node>/performance-test-results/
        baseline/<layer>/…
        ebpf/<tool>_case_<id>_<protocol>_<direction>_<hash>/<layer>/
            client_results/<kind>/<config>_<stamp>/…   server_results/<kind>/<config>_<stamp>/…
            ebpf_monitoring/…   ebpf_start_<stamp>.log   …

That framework wrote no metadata, so a result's identity comes from its path. Folders above
`performance-test-results` may be missing when a part of a tree is read.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import polars as pl

from ..model.errors import ParseError
from .records import MANIFEST, FileStatus

_TREE = "performance-test-results"
_ITERATION = re.compile(r"iteration_(\d+)")
_CASE = re.compile(
    r"(?P<tool>.+?)_case_(?P<id>\d+)"
    r"(?:_(?P<protocol>tcp|udp|icmp))?(?:_(?P<direction>rx|tx))?(?:_[0-9a-f]{6,})?"
)
_CONFIG = re.compile(r"(?P<config>single|multi_\d+|tcp_rr|udp_rr)(?:_\w+?)?_(?P<stamp>\d{8}_\d{6})")
_STAMP = re.compile(r"_(\d{8}_\d{6})\.\w+$")
_KINDS = ("throughput", "latency", "pps")
_LAYERS = ("host", "vm")
_T = TypeVar("_T")


class Role(StrEnum):
    """What a file is to the reader."""

    LOAD = "load"  # iperf3's JSON or netperf's text of one client process
    TIMING = "timing"  # when the load ran, on the orchestrator's clock
    COMPLETE = "complete"  # when the test ended, on the server's clock
    START = "start"  # how the tool was started
    PIDSTAT = "pidstat"
    EPOCH = "epoch"  # the monitor's start, as epoch seconds
    LOG_SIZE = "log size"
    TOP = "top"  # the tool's CPU
    PS = "ps"  # the tool's memory
    OTHER = "other"


_ROLES: tuple[tuple[str, str, str, Role], ...] = (
    # a folder above the file, start and end of its name
    ("client_results", "", "_timing.log", Role.TIMING),
    ("client_results", "", ".json", Role.LOAD),
    ("client_results", "", ".txt", Role.LOAD),
    ("server_results", "test_complete_", ".log", Role.COMPLETE),
    ("", "ebpf_start_", ".log", Role.START),
    ("ebpf_monitoring", "ebpf_resource_monitor_", ".log", Role.PIDSTAT),
    ("ebpf_monitoring", "resource_monitor_timestamp_", ".txt", Role.EPOCH),
    ("ebpf_monitoring", "ebpf_logsize_monitor_", ".log", Role.LOG_SIZE),
    ("ebpf_monitoring", "tool_logsize_", ".log", Role.LOG_SIZE),
    ("ebpf_monitoring", "tool_cpu_usage_", ".log", Role.TOP),
    ("ebpf_monitoring", "tool_memory_", ".log", Role.PS),
)


@dataclass(frozen=True, slots=True, order=True)
class CaseKey:
    """One case in one iteration, on all its nodes."""

    iteration: int
    layer: str
    folder: str  # `baseline` or the folder below ebpf/


@dataclass(frozen=True, slots=True)
class LegacyFile:
    """One file of the tree. None: the path does not say."""

    path: str  # below the tree's root
    role: Role
    case: CaseKey | None
    node: str
    kind: str | None  # throughput | latency | pps
    config: str | None  # single, multi_4, tcp_rr, udp_rr
    stamp: str | None  # YYYYMMDD_HHMMSS, local time: of the test's folder, else of the file


@dataclass(frozen=True, slots=True)
class CaseName:
    """The parts of a case's folder name; None for those it lacks, all of them for a baseline."""

    tool: str
    id: int | None
    protocol: str | None
    direction: str | None

    @property
    def case(self) -> str:
        """The case's name in the published framework."""
        if self.id is None:
            return "baseline"
        protocol = f"protocol_{self.protocol}" if self.protocol else None
        return "_".join(word for word in (self.tool, self.direction, protocol) if word)


@dataclass(slots=True)
class LegacyTree:
    """The files below a root, and a manifest of what was done with each."""

    root: Path
    files: tuple[LegacyFile, ...]
    _statuses: dict[str, tuple[FileStatus, str]] = field(default_factory=dict)
    _by_case: dict[CaseKey, list[LegacyFile]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file in self.files:
            if file.case is not None:
                self._by_case.setdefault(file.case, []).append(file)

    @property
    def cases(self) -> list[CaseKey]:
        return sorted(self._by_case)

    def first_stamp(self, case: CaseKey) -> str:
        """When the first file of the case was written, by the files' stamps; empty if unknown."""
        return min((file.stamp for file in self._by_case[case] if file.stamp), default="")

    @classmethod
    def at(cls, root: Path) -> "LegacyTree":
        """Every file below `root`, in a fixed order."""
        files = []
        for folder, below, names in os.walk(root):
            below.sort()
            relative = Path(folder).relative_to(root)
            files += [locate((relative / name).as_posix(), root.name) for name in sorted(names)]
        return cls(root, tuple(files))

    def of(self, role: Role, case: CaseKey) -> list[LegacyFile]:
        return [file for file in self._by_case.get(case, ()) if file.role is role]

    def parse(self, file: LegacyFile, parser: Callable[[str, str], _T]) -> _T:
        """The file through its parser, which takes its text and path; notes it in the manifest.

        Raises ParseError for a file that cannot be read.
        """
        try:
            parsed = parser((self.root / file.path).read_text(errors="replace"), file.path)
        except ParseError as error:
            self.refuse(file, error.reason)
            raise
        except OSError as error:
            reason = error.strerror or str(error)
            self.refuse(file, reason)
            raise ParseError(file.path, reason) from error
        self._statuses[file.path] = (FileStatus.READ, "")
        return parsed

    def first(self, files: list[LegacyFile], parser: Callable[[str, str], _T]) -> _T | None:
        """The first of `files` that can be parsed; None if none can."""
        for file in files:
            try:
                return self.parse(file, parser)
            except ParseError:
                continue  # its reason is in the manifest
        return None

    def refuse(self, file: LegacyFile, reason: str) -> None:
        self._statuses[file.path] = (FileStatus.REFUSED, reason)

    def manifest(self) -> pl.DataFrame:
        """A row for every file, in the columns of `MANIFEST`."""
        rows = [(file.path, *self._statuses.get(file.path, _unread(file))) for file in self.files]
        return pl.DataFrame(rows, schema=MANIFEST, orient="row")


def _unread(file: LegacyFile) -> tuple[FileStatus, str]:
    if file.role in (Role.TIMING, Role.COMPLETE):
        return FileStatus.NOT_NEEDED, "the load's own epoch seconds give its window"
    return FileStatus.NOT_NEEDED, "holds no figure"


def locate(path: str, root_name: str = "") -> LegacyFile:
    """What the file at `path` is. `path` is relative to the root, whose name may be an iteration's
    or a node's."""
    folder_path, _, name = path.rpartition("/")
    folder = _folder(folder_path, root_name)
    stamp = None if folder.config else _STAMP.search(name)
    return replace(
        folder,
        path=path,
        role=_role(frozenset(folder_path.split("/")), name),
        stamp=_valid(stamp[1]) if stamp else folder.stamp,
    )


@lru_cache(maxsize=64)  # files of one folder follow each other
def _folder(path: str, root_name: str) -> LegacyFile:
    """What a folder's path says of all files in it."""
    parts = tuple(path.split("/"))
    config = next((m for part in parts if (m := _CONFIG.fullmatch(part))), None)
    return LegacyFile(
        path=path,
        role=Role.OTHER,
        case=_case(parts, root_name),
        node=_node(parts, root_name),
        kind=next((part for part in parts if part in _KINDS), None),
        config=config["config"] if config else None,
        stamp=_valid(config["stamp"]) if config else None,
    )


def _role(folders: frozenset[str], name: str) -> Role:
    for folder, start, end, role in _ROLES:
        if name.startswith(start) and name.endswith(end) and (not folder or folder in folders):
            return role
    return Role.OTHER


def stamp_s(stamp: str) -> float:
    """`20261122_130356` as seconds since 1970, as if local time were UTC. Raises ValueError."""
    return datetime.fromisoformat(stamp.replace("_", "T")).replace(tzinfo=UTC).timestamp()


def _valid(stamp: str) -> str | None:
    """The stamp; None if it is no date and time."""
    try:
        stamp_s(stamp)
    except ValueError:
        return None
    return stamp


def case_name(folder: str) -> CaseName:
    """`baseline`, or the parts of `<tool>_case_<id>_<protocol>_<direction>_<hash>`."""
    match = _CASE.fullmatch(folder)
    if match is None:
        return CaseName("", None, None, None)
    return CaseName(match["tool"], int(match["id"]), match["protocol"], match["direction"])


def _case(parts: tuple[str, ...], root_name: str) -> CaseKey | None:
    below = parts[parts.index(_TREE) + 1 :] if _TREE in parts else parts
    layer = next((part for part in below if part in _LAYERS), None)
    folder = "baseline" if "baseline" in below else None
    folder = folder or next((part for part in below if _CASE.fullmatch(part)), None)
    if layer is None or folder is None:
        return None
    numbers = (_ITERATION.fullmatch(part) for part in (*parts, root_name))
    iteration = next((int(number[1]) for number in numbers if number), 1)
    return CaseKey(iteration, layer, folder)


def _node(parts: tuple[str, ...], root_name: str) -> str:
    if _TREE not in parts:
        return root_name
    above = parts[: parts.index(_TREE)]
    return above[-1] if above and not _ITERATION.fullmatch(above[-1]) else root_name
