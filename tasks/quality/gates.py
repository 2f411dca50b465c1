"""Can a cell's result be used? Eight gates as data, and one pure function for each.

A gate answers True, False, or None where it could not be judged; None blocks like a failure where
the gate is required, because nothing was observed. All observations of a cell come in one
`Observation`, filled by whoever measured or read the raw files. A field that is None was not
observed: it is never 0.

`steady` is the one gate of a whole run: it needs all baselines, see `steady.py`.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from ..model.bilingual import Bilingual, joined, same
from ..model.outcome import GateResult
from ..model.plan import CaseKind
from . import steady

FOREIGN_CPU_PCT = 5.0
"""A process outside the measurement disturbs it from this share of one CPU on."""

DURATION_TOLERANCE = 0.05
"""Seconds received may differ from those requested by this share: an outage prolongs a test."""

CLOCK_SLACK_S = 1.0
"""pidstat prints whole seconds: a row's time may be off by one."""


@dataclass(frozen=True, slots=True)
class ToolProcess:
    """A pid as /proc showed it. `starttime` (clock ticks since boot) None: it was gone."""

    pid: int
    starttime: int | None


@dataclass(frozen=True, slots=True)
class Observation:
    """What was observed of one cell, on the hosts that took part. None: not observed."""

    workload_kind: str | None = None  # throughput | latency | pps | tail

    # the tool, or each of those together: its first process at both ends of the window; and the BPF
    # programs that they held when they were ready and after the window
    tool_start: tuple[ToolProcess, ...] | None = None
    tool_end: tuple[ToolProcess, ...] | None = None
    tool_programs: frozenset[int] | None = None
    tool_programs_end: frozenset[int] | None = None

    # ids of the kernel's BPF programs, and their runs in the attribution pass
    programs_before: frozenset[int] | None = None  # before the tool was started
    programs_after: frozenset[int] | None = None  # while it runs
    run_cnt: int | None = None  # None as well where the kernel cannot count (before 5.1)

    # the load: one entry for each load process
    requested_s: float | None = None
    load_s: tuple[float, ...] | None = None  # iperf3: seconds received; netperf: elapsed time
    load_processes: int | None = None  # how many were started
    zero_intervals: int | None = None  # one-second slices that carried nothing; iperf3 only
    parse_errors: tuple[str, ...] = ()

    # the monitor: times of the pidstat rows and the window, epoch s on the tool host's clock
    monitor_rows: tuple[float, ...] | None = None
    window_start: float | None = None
    window_end: float | None = None
    monitor_interval_s: float | None = None

    # the hosts
    foreign: tuple[tuple[str, float], ...] | None = None  # (process, % of one CPU)
    load1_before: float | None = None
    max_load1: float | None = None
    kernel_warnings: tuple[str, ...] | None = None  # new lines of the kernel's log
    throttle_before: Mapping[str, int] | None = None  # throttling counters
    throttle_after: Mapping[str, int] | None = None
    frequency_before: Mapping[str, str] | None = None  # governor and limits, not the momentary MHz
    frequency_after: Mapping[str, str] | None = None

    # fingerprint of kernel, tools and NIC settings; of this cell and of its baseline
    epoch: str | None = None
    baseline_epoch: str | None = None

    # what differs from the snapshot taken before the tool: programs, links, tc filters, XDP
    left_behind: tuple[str, ...] | None = None


_B = Bilingual

Answer = tuple[bool | None, Bilingual]
"""Whether the gate passed (None: not judged), and what was observed."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: a stable id, what it expects, its judge, why a cell that fails it does not count,
    and what to do. `required`: a cell of this program's trees does not count where it was not
    observed either."""

    id: str
    expected: Bilingual
    judge: Callable[[Observation], Answer] | None  # None: judged over a run, not a cell
    reason: Bilingual
    advice: Bilingual
    required: bool = True


def _not_observed(en: str, zh: str) -> Answer:
    return None, Bilingual(f"not observed: {en}", f"未观测到：{zh}")


def _tool_alive(o: Observation) -> Answer:
    """A wrapper may outlive the program that it started: what that had attached is gone then."""
    start, end = o.tool_start, o.tool_end
    if start is None or end is None:
        return _not_observed("the tool's process", "工具进程")
    alive = all(process.starttime is not None for process in start) and start == end
    then = Bilingual("{a}, then {b}", "{a} → {b}")
    observed = joined(
        (then.format(a=_process(a), b=_process(b)) for a, b in zip(start, end, strict=True)),
        "; ", "；",
    )  # fmt: skip
    if o.tool_programs and o.tool_programs_end is not None:
        gone = o.tool_programs - o.tool_programs_end
        alive = alive and not gone
        if gone:
            observed += Bilingual(
                "; {gone} of its {held} BPF programs are no longer loaded",
                "；其 {held} 个 BPF 程序中有 {gone} 个已不在内核中",
            ).format(gone=len(gone), held=len(o.tool_programs))
    return alive, observed


def _process(process: ToolProcess) -> Bilingual:
    pid, start = process.pid, process.starttime
    if start is None:
        return Bilingual(f"pid {pid} gone", f"PID {pid} 已退出")
    return Bilingual(f"pid {pid} (start {start})", f"PID {pid}（启动时间 {start}）")


def _probes_attached(o: Observation) -> Answer:
    if o.programs_before is None or o.programs_after is None:
        return _not_observed("the kernel's BPF programs", "内核中的 BPF 程序")
    new = len(o.programs_after - o.programs_before)
    runs = Bilingual("runs not counted", "执行次数未计")
    if o.run_cnt is not None:
        runs = Bilingual(f"{o.run_cnt} runs", f"执行 {o.run_cnt} 次")
    observed = joined([_new_programs(new), runs], ", ", "，")
    return new > 0 and (o.run_cnt is None or o.run_cnt > 0), observed


def _new_programs(count: int) -> Bilingual:
    return Bilingual(f"new BPF programs: {count}", f"新增 BPF 程序 {count} 个")


def _nothing_attached(o: Observation) -> Answer:
    if o.programs_before is None or o.programs_after is None:
        return _not_observed("the kernel's BPF programs", "内核中的 BPF 程序")
    new = len(o.programs_after - o.programs_before)
    return new == 0, _new_programs(new)


def _complete(o: Observation) -> Answer:
    if o.parse_errors:
        return False, same("; ".join(o.parse_errors))
    if o.load_s is None or o.requested_s is None:
        return _not_observed("the load's duration", "负载的持续时间")
    if o.zero_intervals is None and o.workload_kind in ("throughput", "pps"):
        return _not_observed("the load's one-second intervals", "负载的每秒数据")
    wanted = 1 if o.load_processes is None else o.load_processes
    slack = DURATION_TOLERANCE * o.requested_s
    # `not <=`: NaN counts as off
    off = [s for s in o.load_s if not (math.isfinite(s) and abs(s - o.requested_s) <= slack)]
    passed = not off and not o.zero_intervals and len(o.load_s) == wanted
    observed = Bilingual(
        "{done} of {wanted} processes, {seconds} s of {asked:g} s, {empty} seconds without traffic",
        "{wanted} 个进程中完成 {done} 个，持续 {seconds} s（要求 {asked:g} s），{empty} 秒无流量",
    ).format(
        done=len(o.load_s),
        wanted=wanted,
        seconds=", ".join(f"{s:.4g}" for s in off or o.load_s[:1]) or 0,
        asked=o.requested_s,
        empty=o.zero_intervals or 0,
    )
    return passed, observed


def _monitored(o: Observation) -> Answer:
    rows, start, end, interval = o.monitor_rows, o.window_start, o.window_end, o.monitor_interval_s
    if rows is None or start is None or end is None or interval is None:
        return _not_observed("the monitor's rows or the window", "监控记录或测量窗口")
    reach = interval + CLOCK_SLACK_S
    inside = sorted(t for t in rows if start - reach <= t <= end + reach)
    # both ends of the window count as rows, so that one pass finds the largest gap
    gap = max(b - a for a, b in pairwise([start, *inside, end])) if inside else end - start
    observed = Bilingual(
        "{rows} rows, largest gap {gap:.1f} s of {length:.1f} s",
        "{rows} 条记录，最大间隔 {gap:.1f} s（窗口 {length:.1f} s）",
    ).format(rows=len(inside), gap=max(gap, 0.0), length=end - start)
    return bool(inside) and gap <= reach, observed


def _quiet_host(o: Observation) -> Answer:
    if o.foreign is None or o.load1_before is None or o.max_load1 is None:
        return _not_observed(
            "foreign processes or the load average before", "其他进程或测量前的系统负载"
        )
    noise = [same(f"{name} {pct:.0f} %") for name, pct in o.foreign if pct > FOREIGN_CPU_PCT]
    if o.load1_before > o.max_load1:
        load = f"{o.load1_before:.2f} > {o.max_load1:.2f}"
        noise.append(Bilingual(f"load average {load}", f"系统负载 {load}"))
    warnings = (o.kernel_warnings or ())[:3]
    noise += [Bilingual(f"kernel: {line}", f"内核日志：{line}") for line in warnings]
    throttling, frequency = Bilingual("throttling", "降频"), Bilingual("frequency", "频率设置")
    noise += _changes(throttling, o.throttle_before, o.throttle_after)
    noise += _changes(frequency, o.frequency_before, o.frequency_after)
    return not noise, joined(noise) if noise else Bilingual("quiet", "无干扰")


def _changes(
    what: Bilingual, before: Mapping[str, object] | None, after: Mapping[str, object] | None
) -> list[Bilingual]:
    if before is None or after is None:  # many guests have neither: no reason to refuse the cell
        return []
    names = sorted(before.keys() | after.keys())
    changed = [name for name in names if before.get(name) != after.get(name)]
    return [what + same(f" {n}: {before.get(n)} → {after.get(n)}") for n in changed[:3]]


def _same_world(o: Observation) -> Answer:
    if o.epoch is None or o.baseline_epoch is None:
        return _not_observed(
            "the host fingerprint of the cell or of its baseline", "该测量单元或其基线的主机指纹"
        )
    epochs = {"own": o.epoch, "baseline": o.baseline_epoch}
    observed = Bilingual("{own}, baseline {baseline}", "{own}，基线为 {baseline}")
    return o.epoch == o.baseline_epoch, observed.format(**epochs)


def _clean_after(o: Observation) -> Answer:
    if o.left_behind is None:
        return _not_observed("the kernel state after the tool", "工具停止后的内核状态")
    if o.left_behind:
        return False, same("; ".join(o.left_behind[:5]))
    return True, Bilingual("as before", "与运行前相同")


GATES: dict[str, Gate] = {
    gate.id: gate
    for gate in (
        Gate("tool_alive",
             _B("same PID and start time at both ends of the window, BPF programs still loaded",
                "窗口首尾 PID 与启动时间一致，BPF 程序仍在内核中"),
             _tool_alive,
             _B("The tool did not run through the whole window: part of the load ran without it.",
                "工具未在整个测量窗口内运行：部分负载是在没有工具的情况下测得的。"),
             _B("Read the tail of the tool's output; start it by hand on that host.",
                "查看工具输出末尾，并在该主机上手动启动工具。")),
        Gate("probes_attached",
             _B("new BPF programs that ran in the attribution pass",
                "有新增 BPF 程序，且在计量轮次中执行过"),
             _probes_attached,
             _B("The tool's probes were not attached or never ran: there is no overhead to report.",
                "工具的探针未挂载或从未执行：没有可报告的开销。"),
             _B("Check that the kernel supports the probe points; for a placebo, what else loads "
                "BPF programs.",
                "检查内核是否支持这些探测点；若为空载对照，检查是否有其他程序加载 BPF。")),
        Gate("complete",
             _B("every load process completes, no second without traffic, duration within 5 % of "
                "that requested",
                "负载进程全部完成，无流量中断，持续时间与要求相差 5 % 以内"),
             _complete,
             _B("The load is incomplete: it failed, stalled, or lasted longer or shorter than "
                "requested.",
                "负载不完整：失败、中断，或持续时间与要求不符。"),
             _B("Read the load's raw output named here; look for link loss, a busy server, a full "
                "disk.",
                "查看此处列出的原始负载输出；检查链路中断、服务端忙或磁盘已满。")),
        Gate("monitored",
             _B("monitor rows over the whole window, none missing",
                "监控记录覆盖整个测量窗口，无缺失"),
             _monitored,
             _B("The monitor does not cover the window: the tool's CPU and memory are unknown.",
                "监控数据未覆盖测量窗口：工具的 CPU 与内存占用未知。"),
             _B("Check that pidstat runs on the tool's host and that its disk has room.",
                "检查工具所在主机上的 pidstat 是否运行以及磁盘空间是否充足。")),
        Gate("quiet_host",
             _B(f"no foreign process above {FOREIGN_CPU_PCT:g} % of a CPU, load average below the "
                "limit, no new kernel warning, frequency settings and throttling counters "
                "unchanged",
                f"无占用单核 {FOREIGN_CPU_PCT:g} % 以上的其他进程，系统负载低于限值，"
                "无新的内核警告，频率设置与降频计数不变"),
             _quiet_host,
             _B("Something else used the host: the difference may not be the tool's.",
                "主机上有其他活动：差异可能并非由工具造成。"),
             _B("Stop or move what is named here, or raise the limit and accept a wider interval.",
                "停止或迁移此处列出的程序；或放宽限制并接受更宽的区间。")),
        Gate("same_world",
             _B("kernel, tools and NIC settings as at the baseline",
                "内核、工具与网卡设置和基线一致"),
             _same_world,
             _B("Kernel, tool or NIC settings differ from the baseline's: the two do not compare.",
                "内核、工具或网卡设置与基线不同：两者不可比。"),
             _B("Measure a baseline in the changed environment, or undo the change.",
                "在变更后的环境中重新测量基线，或撤销变更。"),
             required=False),  # it takes the iteration's first baseline
        Gate("clean_after",
             _B("BPF programs, links, tc filters and XDP as before the tool",
                "BPF 程序、link、tc 过滤器与 XDP 恢复到运行前的状态"),
             _clean_after,
             _B("The tool left residue in the kernel: what is measured next would carry its cost.",
                "工具在内核中有残留：后续测量会带上它的开销。"),
             _B("Remove the residue on that host; the next baseline waits for it.",
                "清除该主机上的残留；下一次基线测量将等待其清除。"),
             required=False),  # it is known once the tool was stopped, after the cell
        Gate("steady",
             steady.EXPECTED,
             None,
             _B("The baseline jumps between two levels: a difference may be a jump, not the tool.",
                "基线在两个水平之间跳变：差异可能来自跳变而非工具。"),
             _B("Pin the load (iperf3 -A, netperf -T) or fix the CPU's frequency and idle states.",
                "绑定负载的 CPU（iperf3 -A、netperf -T），或固定 CPU 频率与空闲状态。")),
    )
}  # fmt: skip

_CELL_GATES = tuple(gate for gate in GATES.values() if gate.judge is not None)
_NOTHING_ATTACHED = replace(
    GATES["probes_attached"],
    expected=Bilingual("no new BPF program beside a placebo", "空载对照期间无新增 BPF 程序"),
    judge=_nothing_attached,
)
"""A placebo's form of the gate: a placebo must attach nothing."""

_APPLY: dict[CaseKind, tuple[Gate, ...]] = {
    # a baseline has no tool, none to watch, and no baseline to be compared with
    CaseKind.BASELINE: (GATES["complete"], GATES["quiet_host"]),
    CaseKind.PLACEBO: tuple(
        _NOTHING_ATTACHED if gate.id == _NOTHING_ATTACHED.id else gate for gate in _CELL_GATES
    ),
    CaseKind.TOOL: _CELL_GATES,
}


_OF_ATTACHED = ("tool_alive", "probes_attached", "monitored")
"""Of a tool that is attached through the window; one that the window starts and stops is not."""


def judge(observation: Observation, kind: CaseKind) -> tuple[GateResult, ...]:
    """Every gate that applies to a cell of that kind, in the order of `GATES`."""
    results = []
    for gate in _APPLY[kind]:
        if observation.workload_kind == "start" and gate.id in _OF_ATTACHED:
            continue
        assert gate.judge is not None
        passed, observed = gate.judge(observation)
        expected = gate.expected
        result = GateResult(gate.id, passed, observed.en, expected.en, observed.zh, expected.zh)
        results.append(result)
    return tuple(results)


def blocking(
    results: Collection[GateResult], required: Collection[str] = tuple(GATES)
) -> GateResult | None:
    """The first result because of which the cell does not count; None where it counts.

    A gate that could not be judged blocks only where it is `required`: a results tree of the
    published framework has no data for most gates.
    """
    for result in results:
        if result.passed is False or (result.passed is None and result.gate in required):
            return result
    return None
