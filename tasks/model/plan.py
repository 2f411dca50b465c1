"""What is to be measured: tools, workloads, cases, and their order in time."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from .clock_kind import Clock
from .environment import Layer


class CaseKind(StrEnum):
    BASELINE = "baseline"  # the load alone
    PLACEBO = "placebo"  # started, logged, monitored and stopped like a tool; attaches nothing
    TOOL = "tool"


class ToolClass(StrEnum):
    """How a tool limits its data; the published design targets depend on it."""

    SUMMARY = "summary"
    DETAILS_FILTERED = "details_filtered"
    DETAILS_UNFILTERED = "details_unfiltered"


@dataclass(frozen=True, slots=True)
class Readiness:
    """When a started tool counts as attached. It is polled until the deadline.

    Exactly one of `line` (a regular expression in its output), `programs` (that many BPF
    programs more than before) and `delay_s` is set; all None: one BPF program more than before.
    """

    line: str | None = None
    programs: int | None = None
    delay_s: float | None = None
    deadline_s: float = 60.0


HELD_LOSS_PCT = 0.5
"""A packet rate is held if no more than this is lost, %."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One load program with one configuration."""

    name: str  # e.g. throughput_single_tcp, latency_tcp_rr, pps_multi_udp
    kind: str  # throughput | latency | pps | tail | load | start
    program: str  # a name in LOADS of tasks/programs/loads.py
    protocol: str  # tcp | udp
    streams: int = 1
    window_s: float = 10.0
    warmup_s: float = 1.0
    bandwidth: str | None = None  # iperf3 -b, for all streams together; None: unlimited. Of a tail
    # workload: that of the load beside it
    length: int | None = None  # bytes per write; iperf3 -l, netperf -r, sockperf -m
    affinity: str | None = None  # iperf3 -A n/m, netperf -T n,m: recorded with the cell
    requests_per_s: int | None = None  # of a tail or start workload: sockperf --mps
    load_pct: int | None = (
        None  # packet rate in % of what the baseline holds: a load workload's own,
    )
    # or that of the load beside a tail workload
    starts: int | None = None  # of a start workload: how often its window starts the tool, at most

    @property
    def config(self) -> str:
        """The last folder's stem in the published tree: single_tcp, multi_4_udp, tcp_rr."""
        if self.kind == "latency":
            return f"{self.protocol}_rr"
        if self.kind == "start":
            return f"{self.protocol}_{self.requests_per_s}"
        if self.kind == "tail":
            beside = "" if self.load_pct is None else f"_load_{self.load_pct}"
            return f"{self.protocol}_{self.requests_per_s}{beside}"
        if self.kind == "load":
            return f"{self.protocol}_{self.load_pct}_pct"
        size = "single" if self.streams == 1 else f"multi_{self.streams}"
        return f"{size}_{self.protocol}"

    @property
    def beside(self) -> "Workload | None":
        """The load that runs beside the requests of a tail workload, a moment longer than they."""
        if self.kind != "tail" or self.load_pct is None:
            return None
        return replace(
            self,
            name=f"{self.name}_beside",
            kind="load",
            program="iperf3",
            window_s=self.window_s + 1,
            affinity=None,  # the sender of the requests has that CPU for itself
            requests_per_s=None,
        )

    @property
    def loads(self) -> tuple["Workload", ...]:
        """What runs in a cell: the workload, and what runs beside it."""
        return (self,) if self.beside is None else (self, self.beside)


class PacketDirection(StrEnum):
    """Which packets on the server's interface are a tool's events."""

    RX = "rx"
    TX = "tx"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Events:
    """How a tool's output tells the events that it reported.

    line: a line of the output that matches is one event; with `sums`, the number behind the match
        is that many. An extended regular expression, for the awk of the host.
    packets: each such packet on the server's interface is one event; None: nothing else counts
        them.
    filtered: the number behind this match is how many events the tool left out on purpose.
    every_s: seconds between two reports of a tool that sums up; 0: it prints at once.
    """

    line: str
    packets: PacketDirection | None = None
    sums: bool = False
    filtered: str | None = None
    every_s: float = 0.0


TOGETHER = "together"
"""The category of the cases that run several tools at once."""

PARTS_JOINED_BY = "+"
"""Between the names of the tools in such a case."""


@dataclass(frozen=True, slots=True)
class Case:
    """One tool with one set of parameters, or the baseline, or a placebo."""

    id: int  # 0: baseline; the placebos follow the last tool's
    name: str
    kind: CaseKind
    layer: Layer
    command: str = ""  # as a person reads it; empty for a baseline
    script: str = ""
    tool: str = ""  # the script's stem
    category: str = ""
    tool_class: ToolClass | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    readiness: Readiness = Readiness()
    expected_probes: tuple[str, ...] = ()
    events: Events | None = None  # None: what its output counts is not known
    workloads: tuple[str, ...] | None = None  # None: all of the plan's
    attaches: tuple[str, ...] = ()  # what it attaches to, as far as known: kprobe:tcp_v4_connect
    skipped: str | None = None  # why it cannot run here; it stays visible in the plan
    cannot_attach: bool = False  # it is skipped because its kernel lacks what it attaches to
    package: str | None = None  # the Debian package that installs its program on the host
    parts: tuple["Case", ...] = ()  # cases whose tools run at once in this one; empty: one tool

    @property
    def tools(self) -> tuple["Case", ...]:
        """The cases whose commands are started: its parts, or itself."""
        return self.parts or (self,)


@dataclass(frozen=True, slots=True)
class Slot:
    """A case's place in the order of an iteration; its workloads run within one attach."""

    iteration: int  # from 1
    position: int  # from 0, within the iteration and layer
    layer: Layer
    case_id: int
    attempt: int = 1  # of its cells; higher if its block is repeated
    workloads: tuple[str, ...] | None = None  # None: all of its case's; fewer once some are decided


@dataclass(frozen=True, slots=True)
class Design:
    """The settings of the measurement, stored with the run in `runs.design`."""

    seed: int
    iterations: int
    baseline_every: int = 4
    placebos: int = 2
    cooldown_s: float = 0.0
    monitor_interval_s: float = 2.0
    attribution_s: float = 2.0
    attribution_rate: str = "30M"  # iperf3 -u -l 64 -b …: a paced load below saturation
    log_cap_mib: int = 256
    until_decided: bool = False  # iterations is then the maximum; what is decided leaves the plan
    budget_s: float | None = None  # no iteration is started that would not end within this time
    max_load_1m: float | None = None  # None: number of CPUs


@dataclass(frozen=True, slots=True)
class Hook:
    """A command of the user's, run before or after a step of one of the four levels."""

    level: str  # global | tool | case | test
    phase: str  # init | post
    on: str  # server | client | tool_host
    run: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole campaign of one environment; exported as workflow.json and read back."""

    environment: str
    design: Design
    workloads: tuple[Workload, ...]
    cases: tuple[Case, ...]
    slots: tuple[Slot, ...]
    hooks: tuple[Hook, ...] = ()
    clock: Clock = Clock.WALL  # the environment's: durations of the plan are seconds of it

    def case(self, case_id: int, layer: Layer) -> Case:
        """The case with that id in that layer (baselines and placebos exist once per layer)."""
        for case in self.cases:
            if case.id == case_id and case.layer == layer:
                return case
        raise KeyError((case_id, layer))

    def workloads_of(self, case: Case) -> tuple[Workload, ...]:
        return self.named(case.workloads)

    def workloads_in(self, slot: Slot) -> tuple[Workload, ...]:
        """The workloads that are measured in this slot, in their order."""
        if slot.workloads is None:
            return self.workloads_of(self.case(slot.case_id, slot.layer))
        return self.named(slot.workloads)

    def named(self, names: tuple[str, ...] | None) -> tuple[Workload, ...]:
        """The workloads with these names, in the plan's order; None: all."""
        return tuple(w for w in self.workloads if names is None or w.name in names)
