"""The anomaly rules as data: id, severity, judge, one sentence and one advice in two languages.

An id is stable: datasets, reports and budgets of others refer to it. The id of a dropped rule is
not used again.
"""

from ..model.bilingual import Bilingual
from ..storage.schema import CASE_KEY, STRATUM
from . import comparative, physical, stability, structural
from .gates import GATES
from .rule import Rule

_B = Bilingual


def _gate_failed(gate: str, where: str, where_zh: str) -> Bilingual:
    """A gate's own sentence behind the place, with what was observed."""
    reason = GATES[gate].reason
    return _B(f"{where}: {reason.en} ({{observed}})", f"{where_zh}：{reason.zh}（{{observed}}）")


GATE_RULES: tuple[Rule, ...] = tuple(
    Rule(
        f"gate.{gate.id}",
        "warns",
        structural.cells_lost_to(gate.id),
        _gate_failed(gate.id, "{case}, {workload}", "{case}，{workload}"),
        gate.advice,
    )
    for gate in GATES.values()
    if gate.judge is not None
)
"""Cells that a gate refused: only a warning, since no verdict rests on a cell without a number."""

RULES: tuple[Rule, ...] = (
    *GATE_RULES,
    Rule("gate.steady", "blocks", stability.regimes,
         _gate_failed("steady", "{layer}, {workload}", "{layer}，{workload}"),
         GATES["steady"].advice,
         scope=STRATUM),
    # structure
    Rule("structural.too_many_lost", "warns", structural.too_many_lost,
         _B("{layer}: {observed} cells have no valid result.",
            "{layer}：{observed} 个测量单元没有有效结果。"),
         _B("Find out what the lost cells have in common before relying on the rest.",
            "在采信其余结果之前，先查明丢失单元的共同点。")),
    Rule("structural.value_missing", "warns", structural.value_missing,
         _B("{layer}, {workload}: {observed} cells passed but have no primary value.",
            "{layer}，{workload}：{observed} 个通过的测量单元缺少主要指标值。"),
         _B("Ingest the raw results again and look for refused files in their manifest.",
            "重新导入原始结果，并在清单中查看被拒绝的文件。")),
    Rule("structural.window_length", "warns", structural.window_length,
         _B("{case}, {workload}: a window of {observed} among windows of {expected}.",
            "{case}，{workload}：测量窗口为 {observed}，其余用例为 {expected}。"),
         _B("Use one window length; results of different lengths are not comparable.",
            "使用统一的窗口长度；不同长度的结果不可互比。")),
    Rule("structural.clock_unaligned", "informs", structural.clock_unaligned,
         _B("{layer}: in {observed} cells the monitor's clock is not aligned with the load's.",
            "{layer}：{observed} 个测量单元的监控时钟与负载时钟未对齐。"),
         _B("CPU and memory are means over the whole log here; measure again for those of the "
            "window.",
            "此处的 CPU 与内存为整个日志的均值；如需窗口内的数值请重新测量。")),
    Rule("structural.clock_offset", "informs", structural.clock_offset,
         _B("Host clocks differ from this machine's: {observed} (expected {expected}).",
            "主机时钟与本机不一致：{observed}（应 {expected}）。"),
         _B("Windows are cut on each host's own clock and are not affected; synchronise the clocks "
            "to compare logs.",
            "各窗口按主机自身时钟截取，不受影响；如需对照日志，请先校时。")),
    # physics
    Rule("physical.gain", "warns", physical.gain,
         _B("{tool}, {workload}: {observed} with the tool; a tool cannot speed traffic up.",
            "{tool}，{workload}：加载工具后变化 {observed}；工具不可能加速流量。"),
         _B("Measure it again with interleaved baselines; check flow caches, idle cores and drift.",
            "以交错基线重新测量；检查流表缓存预热、CPU 空闲状态与漂移。")),
    Rule("physical.gain_with_the_rest", "informs", physical.gain_with_the_rest,
         _B("{tool}, {workload}: {observed}, like most tools here; suspect the baseline.",
            "{tool}，{workload}：变化 {observed}，与此处多数工具相同；应怀疑基线。"),
         _B("See comparative.baseline_suspect.",
            "参见 comparative.baseline_suspect。")),
    Rule("physical.other_path", "warns", physical.other_path,
         _B("{layer}, {workload}: the VM pair reaches {observed}; its hosts' network allows "
            "{expected}.",
            "{layer}，{workload}：虚拟机之间达到 {observed}，而宿主机网络应 {expected}。"),
         _B("Check whether both VMs run on one host: such traffic never crosses the NIC.",
            "确认两台虚拟机是否位于同一宿主机：此时流量不经过网卡。")),
    Rule("physical.kernel_time", "blocks", physical.kernel_time,
         _B("{tool}: a BPF program used more CPU time than the host has: {observed} (limit "
            "{expected}).",
            "{tool}：BPF 程序占用的 CPU 时间超过主机上限：{observed}（应 {expected}）。"),
         _B("Check duration and counters of the attribution pass in the raw results.",
            "在原始结果中检查该计量轮次的时长与计数器。"),
         scope=CASE_KEY),
    # comparison
    Rule("comparative.baseline_suspect", "blocks", physical.baseline_suspect,
         _B("{layer}, {workload}: most tools show a gain ({observed}); suspect the baseline, not "
            "the tools.",
            "{layer}，{workload}：多数工具出现性能提升（{observed}）；应怀疑基线而非工具。"),
         _B("Measure this environment's baseline again, interleaved with the cases.",
            "重新测量该环境的基线，并与各用例交错进行。"),
         scope=STRATUM),
    Rule("comparative.environment_spread", "warns", comparative.environment_spread,
         _B("{layer}, {workload}: the ends of the median interval differ by {observed}, elsewhere "
            "by {expected}.",
            "{layer}，{workload}：区间两端之比的中位数为 {observed}，其他环境为 {expected}。"),
         _B("Pin load and interrupts to one NUMA node, fix the frequency, then measure again.",
            "将负载与中断绑定到同一 NUMA 节点并固定频率，然后重新测量。")),
    Rule("comparative.tool_spread", "warns", comparative.tool_spread,
         _B("{tool}, {workload}: {observed} is too wide to tell; elsewhere the ends differ by "
            "{expected}.",
            "{tool}，{workload}：区间 {observed} 过宽，不足以判定；其他环境两端之比为 "
            "{expected}。"),
         _B("Add iterations here, or find what differs between the runs of this tool.",
            "增加该环境的迭代次数，或查明该工具各次运行的差异。")),
    Rule("comparative.too_cheap", "blocks", comparative.too_cheap,
         _B("{tool}: {metric} {observed} here, {expected} elsewhere: it probably did not run, or "
            "saw fewer events.",
            "{tool}：此处 {metric} 为 {observed}，其他环境为 {expected}：工具很可能未真正运行，"
            "或收到的事件较少。"),
         _B("Read the tool's output there: were its probes attached, did it see any event?",
            "查看该环境中工具的输出：探针是否挂载，是否收到事件？"),
         scope=CASE_KEY),
    Rule("comparative.too_dear", "warns", comparative.too_dear,
         _B("{tool}: {metric} {observed} here, {expected} elsewhere.",
            "{tool}：此处 {metric} 为 {observed}，其他环境为 {expected}。"),
         _B("Compare parameters, event rate and kernel; a filter may not have matched here.",
            "比较参数、事件速率与内核；过滤条件在此处可能未生效。")),
    Rule("comparative.not_reproduced", "blocks", comparative.not_reproduced,
         _B("{tool}, {workload}: {observed} in this run, {expected} when measured again.",
            "{tool}，{workload}：本次变化为 {observed}，再次测量为 {expected}。"),
         _B("Discard this figure; rely on the runs that agree.",
            "弃用该数值；以相互一致的测量为准。")),
    Rule("comparative.baseline_history", "warns", comparative.baseline_history,
         _B("{layer}, {workload}: baseline {observed}, in other runs {expected}.",
            "{layer}，{workload}：基线为 {observed}，其他批次为 {expected}。"),
         _B("Find what changed on the hosts since; do not pool this run with the others.",
            "查明主机上的变化；不要将本批次与其他批次合并。"),
         scope=STRATUM),
    # stability
    Rule("stability.drift", "warns", stability.drift,
         _B("{layer}, {workload}: the baseline drifted by {observed} over the run.",
            "{layer}，{workload}：基线在运行期间漂移了 {observed}。"),
         _B("Check for heat, other tenants and growing logs; take baselines more often.",
            "检查温度、其他租户与日志增长；提高基线频率。"),
         scope=STRATUM),
    Rule("stability.requeued", "warns", stability.requeued,
         _B("{layer}: {observed} cells had to be measured again.",
            "{layer}：{observed} 个测量单元需要重测。"),
         _B("The environment is unstable: find the cause before the next night.",
            "环境不稳定：在下一次夜间测量前查明原因。")),
)  # fmt: skip
