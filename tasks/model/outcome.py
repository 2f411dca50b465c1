"""The outcome of a cell: its key, its status, its files, and the values read from them."""

from dataclasses import dataclass, field
from enum import StrEnum

from .environment import Layer


class CellStatus(StrEnum):
    """The terminal states. A planned cell ends in exactly one; none is inferred from a zero."""

    PASSED = "passed"  # all gates passed: its values count
    INVALID = "invalid"  # it ran and a gate failed: it is kept, and none of its values counts
    FAILED = "failed"  # it could not be run to its end
    SKIPPED = "skipped"  # planned, never started; the reason is stored


CellPlace = tuple[str, int, int, str]
"""layer, iteration, position, workload: a cell's place in the plan, whichever the attempt."""


@dataclass(frozen=True, slots=True, order=True)
class CellKey:
    """One workload of one case in one iteration; position and attempt make it unique."""

    environment: str
    run: str
    layer: Layer
    iteration: int
    position: int
    case: str
    workload: str
    attempt: int = 1

    @property
    def place(self) -> CellPlace:
        return (str(self.layer), self.iteration, self.position, self.workload)


@dataclass(frozen=True, slots=True)
class Window:
    """The measured seconds on one node's clock. Epoch seconds; duration from its monotonic one."""

    node: str
    start: float
    end: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One scalar of a cell. value None is missing; it is never 0."""

    metric: str
    value: float | None
    node: str = ""
    source: str = ""  # the program or file it was read from
    n: int | None = None  # readings inside the window that it rests on; None: not counted
    resolution: float | None = None  # largest error by the counter's step, in the metric's unit
    reason: str | None = None  # why the value is missing, English
    reason_zh: str | None = None  # the same in Chinese


@dataclass(frozen=True, slots=True)
class Interval:
    """One point of a series inside a cell: per-second load, a pidstat row, a log size."""

    series: str
    node: str
    t_s: float  # since the window's start
    value: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class BpfProgram:
    """A BPF program that the tool attached, and its counters over the attribution pass."""

    node: str
    program_id: int
    name: str
    type: str
    tag: str
    probe: str | None = None  # kind of its probe: kprobe, kretprobe, fentry …; None: not known
    run_cnt: int | None = None  # its increase during the pass
    run_time_ns: int | None = None
    packets: int | None = None  # on the test interface in the same time
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class HostState:
    """A host's settings and kernel log, read outside the windows."""

    settings: dict[str, str]  # kernel and NICs: part of the fingerprint
    frequency: dict[str, str]  # governor and limits, not the momentary MHz
    carriers: tuple[int, ...] = ()  # processes of the measurement itself: switch, guests
    log_stamp: float | None = None  # of the kernel log's last line; None: not permitted to read it
    warnings: tuple[str, ...] | None = None  # new lines of level warn and above


@dataclass(frozen=True, slots=True)
class GateResult:
    """The result of one gate for one cell."""

    gate: str
    passed: bool | None  # None: could not be judged; for a required gate that blocks like a failure
    observed: str = ""
    expected: str = ""
    observed_zh: str = ""
    expected_zh: str = ""


UNATTACHABLE = "attachable"
"""In place of a gate's id: the kernel lacks what the tool attaches to; it is not tried again."""

TRANSPORT = "transport"
"""Used like a gate's name: the connection or the deadline ended the cell."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a cell was not run to its end: the gate that failed (or TRANSPORT), and the reason."""

    gate: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of a tool's events over one load. None: not visible, which is never 0.

    occurred = reported + filtered + lost + missed + unknown, where `occurred` is known. The share
    lost lies between `lost_low_pct` and `lost_high_pct`; an end that is None has no bound.
    """

    node: str
    part: str  # the case whose events these are; of tools together each has its own account
    occurred: int | None  # counted independently of the tool
    reported: int | None
    filtered: int | None  # left out on purpose, as the tool says
    lost: int | None  # by a buffer
    missed: int | None  # the probe was hit, and its program did not run
    unknown: int | None  # the rest
    full_maps: int | None
    lost_low_pct: float | None  # lost and missed
    lost_high_pct: float | None  # lost, missed and unknown
    reason: str | None = None  # why an end is None, English
    reason_zh: str | None = None


@dataclass(frozen=True, slots=True)
class CellReading:
    """All values in a cell's files, cut to the window, with the results of the gates."""

    key: CellKey
    status: CellStatus
    gate: str  # the gate that failed; empty: none did
    reason: str
    gates: tuple[GateResult, ...]
    windows: dict[str, Window]  # by node
    samples: tuple[Sample, ...]
    intervals: tuple[Interval, ...]
    reason_zh: str = ""  # empty: a program's own words, which have no other language
    ledgers: tuple[Ledger, ...] = ()  # of a tool's cell, one for each tool in it


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A raw file: path below the raw tree's root, size, checksum as read on the host."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The journal's line for one cell."""

    key: CellKey
    status: CellStatus
    reason: str = ""
    gate: str = ""
    started: float | None = None  # epoch s, our clock
    ended: float | None = None
    windows: tuple[Window, ...] = ()
    gates: tuple[GateResult, ...] = ()
    files: tuple[StoredFile, ...] = field(default_factory=tuple)
    reason_zh: str = ""
