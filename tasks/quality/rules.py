"""The anomaly rules as data: id, severity, judge, one sentence and one advice in two languages.

An id is stable: datasets, reports and budgets of other people name it. A rule that is dropped
leaves its id unused.
"""

from . import comparative, physical, stability, structural
from .gates import GATES
from .rule import Rule
from .views import GROUP

_CASE_WIDE = ("environment", "run", "layer", "case")

GATE_RULES: tuple[Rule, ...] = tuple(
    Rule(
        f"gate.{gate.id}",
        "warns",
        structural.cells_lost_to(gate.id),
        f"{{case}}, {{workload}}: {gate.reason} ({{observed}})",
        f"{{case}}，{{workload}}：{gate.reason_zh}（{{observed}}）",
        gate.advice,
        gate.advice_zh,
    )
    for gate in GATES.values()
    if gate.judge is not None
)
"""Cells that a gate refused. They have no number, so that no verdict rests on them: a warning."""

RULES: tuple[Rule, ...] = (
    *GATE_RULES,
    Rule("gate.steady", "blocks", stability.regimes,
         "{layer}, {workload}: " + GATES["steady"].reason + " ({observed})",
         "{layer}，{workload}：" + GATES["steady"].reason_zh + "（{observed}）",
         GATES["steady"].advice, GATES["steady"].advice_zh,
         scope=GROUP),
    # structure
    Rule("structural.too_many_lost", "warns", structural.too_many_lost,
         "{layer}: {observed} cells have no result that counts.",
         "{layer}：{observed} 个单元没有有效结果。",
         "Look for what the lost cells share before believing the rest.",
         "在采信其余结果之前，先查明丢失单元的共同点。"),
    Rule("structural.value_missing", "warns", structural.value_missing,
         "{layer}, {workload}: {observed} cells passed and have no primary value.",
         "{layer}，{workload}：{observed} 个通过的单元没有主要指标值。",
         "Ingest the raw tree again and read its manifest for refused files.",
         "重新导入原始结果树，并在清单中查看被拒绝的文件。"),
    Rule("structural.window_length", "warns", structural.window_length,
         "{case}, {workload}: a window of {observed} among windows of {expected}.",
         "{case}，{workload}：窗口长 {observed}，其余为 {expected}。",
         "Measure with one window length; compare lengths only within themselves.",
         "使用统一的窗口长度；不同长度的结果不可互比。"),
    Rule("structural.clock_unaligned", "informs", structural.clock_unaligned,
         "{layer}: {observed} cells have monitors on a clock that is not the load's.",
         "{layer}：{observed} 个单元的监控时钟与负载时钟未对齐。",
         "CPU and memory are means over the whole log here; measure anew for the window's own.",
         "此处的 CPU 与内存为整个日志的均值；如需窗口内的数值请重新测量。"),
    Rule("structural.clock_offset", "informs", structural.clock_offset,
         "Clocks of hosts and of this machine differ: {observed}, {expected} expected.",
         "主机时钟与本机不一致：{observed}，应{expected}。",
         "Windows are cut on each host's own clock and stay true; set the clocks to compare logs.",
         "各窗口按主机自身时钟截取，不受影响；如需对照日志，请先校时。"),
    # physics
    Rule("physical.gain", "warns", physical.gain,
         "{tool}, {workload}: {observed} with the tool; a tool cannot speed traffic up.",
         "{tool}，{workload}：使用工具后为 {observed}；工具不可能加速流量。",
         "Measure it again with interleaved baselines; look at flow caches, idle cores, drift.",
         "以交错基线重新测量；检查流表缓存预热、CPU 空闲状态与漂移。"),
    Rule("physical.gain_with_the_rest", "informs", physical.gain_with_the_rest,
         "{tool}, {workload}: {observed}, as with most tools here; the baseline is the suspect.",
         "{tool}，{workload}：{observed}，与此处多数工具相同；应怀疑基线。",
         "See comparative.baseline_suspect.",
         "参见 comparative.baseline_suspect。"),
    Rule("physical.other_path", "warns", physical.other_path,
         "{layer}, {workload}: the VM pair carries {observed}; over its hosts' network {expected}.",
         "{layer}，{workload}：虚拟机对达到 {observed}；经宿主机网络应 {expected}。",
         "See whether both VMs run on one host: that traffic never crosses the NIC.",
         "确认两台虚拟机是否位于同一宿主机：此时流量不经过网卡。"),
    Rule("physical.kernel_time", "blocks", physical.kernel_time,
         "{tool}: a BPF program used more CPU time than the host has: {observed}, {expected}.",
         "{tool}：BPF 程序占用的 CPU 时间超过主机上限：{observed}，{expected}。",
         "Check the pass's duration and counters in the raw tree.",
         "检查原始结果树中该次归因测量的时长与计数器。",
         scope=_CASE_WIDE),
    # comparison
    Rule("comparative.baseline_suspect", "blocks", physical.baseline_suspect,
         "{layer}, {workload}: most tools gain ({observed}); suspect the baseline, not the tools.",
         "{layer}，{workload}：多数工具显示增益（{observed}）；应怀疑基线而非工具。",
         "Measure this environment's baseline again, interleaved with the cases.",
         "重新测量该环境的基线，并与各用例交错进行。",
         scope=GROUP),
    Rule("comparative.environment_spread", "warns", comparative.environment_spread,
         "{layer}, {workload}: the usual interval spans {observed}, elsewhere {expected}.",
         "{layer}，{workload}：通常区间跨度为 {observed}，其他环境为 {expected}。",
         "Pin load and interrupts to one NUMA node, fix the frequency, then measure again.",
         "将负载与中断绑定到同一 NUMA 节点并固定频率，然后重新测量。"),
    Rule("comparative.tool_spread", "warns", comparative.tool_spread,
         "{tool}, {workload}: {observed} says little; elsewhere its ends are {expected} apart.",
         "{tool}，{workload}：{observed} 说明不了问题；其他环境两端仅相差 {expected}。",
         "Add iterations here, or find what differs between the runs of this tool.",
         "增加该环境的迭代次数，或查明该工具各次运行的差异。"),
    Rule("comparative.too_cheap", "blocks", comparative.too_cheap,
         "{tool}: {metric} {observed} here, {expected} elsewhere: it probably did not run.",
         "{tool}：此处 {metric} 为 {observed}，其他环境为 {expected}：很可能未真正运行。",
         "Read the tool's output there: were its probes attached, did it see an event?",
         "查看该环境中工具的输出：探针是否挂载，是否收到事件？",
         scope=_CASE_WIDE),
    Rule("comparative.too_dear", "warns", comparative.too_dear,
         "{tool}: {metric} {observed} here, {expected} elsewhere.",
         "{tool}：此处 {metric} 为 {observed}，其他环境为 {expected}。",
         "Compare parameters, event rate and kernel; a filter may not have matched here.",
         "比较参数、事件速率与内核；过滤条件在此处可能未生效。"),
    Rule("comparative.not_reproduced", "blocks", comparative.not_reproduced,
         "{tool}, {workload}: {observed} in this run; measured again it is {expected}.",
         "{tool}，{workload}：本次为 {observed}；再次测量为 {expected}。",
         "Drop this figure; the runs that agree with each other stand.",
         "弃用该数值；以相互一致的测量为准。"),
    Rule("comparative.baseline_history", "warns", comparative.baseline_history,
         "{layer}, {workload}: baseline {observed}, in other runs {expected}.",
         "{layer}，{workload}：基线为 {observed}，其他运行为 {expected}。",
         "Find what changed on the hosts since; do not pool this run with the others.",
         "查明主机上的变化；不要将本次运行与其他运行合并。",
         scope=GROUP),
    # stability
    Rule("stability.drift", "warns", stability.drift,
         "{layer}, {workload}: the baseline moved by {observed} over the run.",
         "{layer}，{workload}：基线在运行期间变化了 {observed}。",
         "Look for heat, other tenants, growing logs; take baselines more often.",
         "检查温度、其他租户与日志增长；提高基线频率。",
         scope=GROUP),
    Rule("stability.requeued", "warns", stability.requeued,
         "{layer}: {observed} cells had to be run again.",
         "{layer}：{observed} 个单元需要重新运行。",
         "The environment is unhealthy: find the cause before the next night.",
         "环境不健康：在下一次夜间测量前查明原因。"),
)  # fmt: skip
