"""The published framework's tree: which file is what, told by its path alone.

    iteration_001/<node>/performance-test-results/
        baseline/<layer>/…
        ebpf/<tool>_case_<id>_<protocol>_<direction>_<hash>/<layer>/
            client_results/<kind>/<config>_<stamp>/…   server_results/<kind>/<config>_<stamp>/…
            ebpf_monitoring/…   ebpf_start_<stamp>.log   …

That framework wrote no metadata, so identity has to come from here. Folders above
`performance-test-results` may be missing when a part of a tree is read.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
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

    LOAD = "load"  # iperf3's JSON or netperf's text, of one client process
    TIMING = "timing"  # when the load ran, on the orchestrator's clock
    COMPLETE = "complete"  # when the test was over, on the server's clock
    START = "start"  # how the tool was started
    PIDSTAT = "pidstat"
    EPOCH = "epoch"  # the monitor's start, as epoch seconds
    LOG_SIZE = "log size"
    TOP = "top"  # CPU of the tool by top
    PS = "ps"  # memory of the tool by ps
    OTHER = "other"


_ROLES: tuple[tuple[str, str, str, Role], ...] = (
    # folder above it, start and end of its name
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
    """One file of the tree. None where the path does not tell."""

    path: str  # below the tree's root
    role: Role
    case: CaseKey | None
    node: str
    kind: str | None  # throughput | latency | pps
    config: str | None  # single, multi_4, tcp_rr, udp_rr
    stamp: str | None  # YYYYMMDD_HHMMSS, local time: of the test's folder, else of the file


@dataclass(frozen=True, slots=True)
class CaseName:
    """What a case's folder tells of it."""

    tool: str
    id: int | None
    protocol: str | None
    direction: str | None

    @property
    def case(self) -> str:
        """As the published cases are named."""
        if self.id is None:
            return "baseline"
        protocol = f"protocol_{self.protocol}" if self.protocol else None
        return "_".join(word for word in (self.tool, self.direction, protocol) if word)


@dataclass(slots=True)
class Tree:
    """The files below a root, and what became of each."""

    root: Path
    files: tuple[LegacyFile, ...]
    _fates: dict[str, tuple[FileStatus, str]] = field(default_factory=dict)
    _by_case: dict[CaseKey, list[LegacyFile]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file in self.files:
            if file.case is not None:
                self._by_case.setdefault(file.case, []).append(file)

    @property
    def cases(self) -> list[CaseKey]:
        return sorted(self._by_case)

    def stamps(self, case: CaseKey) -> list[str]:
        """When something of the case was written: stamps of its files."""
        return sorted(file.stamp for file in self._by_case[case] if file.stamp)

    @classmethod
    def at(cls, root: Path) -> "Tree":
        """Every file below `root`, in a fixed order."""
        files = []
        for folder, below, names in os.walk(root):
            below.sort()
            above = Path(folder).relative_to(root).as_posix()
            prefix = "" if above == "." else f"{above}/"
            files += [locate(prefix + name, root.name) for name in sorted(names)]
        return cls(root, tuple(files))

    def of(self, role: Role, case: CaseKey) -> list[LegacyFile]:
        return [file for file in self._by_case.get(case, ()) if file.role is role]

    def parse(self, file: LegacyFile, parser: Callable[[str, str], _T]) -> _T:
        """The file through its parser; the manifest tells its fate. ParseError goes on."""
        try:
            found = parser((self.root / file.path).read_text(errors="replace"), file.path)
        except ParseError as error:
            self.refuse(file, error.reason)
            raise
        except OSError as error:
            self.refuse(file, error.strerror or str(error))
            raise ParseError(file.path, error.strerror or str(error)) from error
        self._fates[file.path] = (FileStatus.READ, "")
        return found

    def first(self, files: list[LegacyFile], parser: Callable[[str, str], _T]) -> _T | None:
        """What the first of `files` tells that can be read; None where none can."""
        for file in files:
            try:
                return self.parse(file, parser)
            except ParseError:
                continue  # the manifest says why
        return None

    def refuse(self, file: LegacyFile, reason: str) -> None:
        self._fates[file.path] = (FileStatus.REFUSED, reason)

    def manifest(self) -> pl.DataFrame:
        """A row for every file."""
        rows = [(file.path, *self._fates.get(file.path, _unread(file))) for file in self.files]
        return pl.DataFrame(rows, schema=MANIFEST, orient="row")


def _unread(file: LegacyFile) -> tuple[FileStatus, str]:
    if file.role in (Role.TIMING, Role.COMPLETE):
        return FileStatus.NOT_NEEDED, "the load's own epoch seconds tell its window"
    return FileStatus.NOT_NEEDED, "holds no figure of its own"


@dataclass(frozen=True, slots=True)
class _Folder:
    """What a folder's path tells of all files in it."""

    parts: frozenset[str]
    case: CaseKey | None
    node: str
    kind: str | None
    config: str | None
    stamp: str | None


def locate(path: str, root_name: str = "") -> LegacyFile:
    """What the file at `path` (below the root, whose own name may hold the iteration) is."""
    above, _, name = path.rpartition("/")
    folder = _folder(above, root_name)
    stamp = None if folder.config else _STAMP.search(name)
    return LegacyFile(
        path=path,
        role=_role(folder.parts, name),
        case=folder.case,
        node=folder.node,
        kind=folder.kind,
        config=folder.config,
        stamp=_real(stamp[1]) if stamp else folder.stamp,
    )


@lru_cache(maxsize=64)  # files of one folder follow each other
def _folder(path: str, root_name: str) -> _Folder:
    parts = tuple(path.split("/"))
    config = next((m for part in parts if (m := _CONFIG.fullmatch(part))), None)
    return _Folder(
        parts=frozenset(parts),
        case=_case(parts, root_name),
        node=_node(parts, root_name),
        kind=next((part for part in parts if part in _KINDS), None),
        config=config["config"] if config else None,
        stamp=_real(config["stamp"]) if config else None,
    )


def _role(folders: frozenset[str], name: str) -> Role:
    for folder, start, end, role in _ROLES:
        if name.startswith(start) and name.endswith(end) and (not folder or folder in folders):
            return role
    return Role.OTHER


def _real(stamp: str) -> str | None:
    """The stamp if there was such a time."""
    try:
        datetime.fromisoformat(stamp.replace("_", "T"))
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
