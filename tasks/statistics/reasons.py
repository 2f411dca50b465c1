"""Every sentence that explains a verdict, by key, in English and Chinese."""

from typing import Any

import polars as pl

from ..model.bilingual import Bilingual
from ..model.outcome import CellStatus

SENTENCE = pl.Struct({"en": pl.String(), "zh": pl.String()})
"""A `Bilingual` as a column of a frame."""

REASONS: dict[str, Bilingual] = {
    key: Bilingual(en, zh)
    for key, en, zh in (
        # a cell without a difference
        ("no_value", "no value of this metric", "该指标无数值"),
        ("not_positive", "value not above 0: no logarithm", "数值不大于 0，无法取对数"),
        ("no_time", "time of the window unknown", "测量窗口的时间未知"),
        ("no_baseline", "no baseline of this workload", "该负载没有基线"),
        ("none_before", "no baseline before it", "之前没有基线"),
        ("none_after", "no baseline after it", "之后没有基线"),
        ("pause", "a pause of {} h between its baselines", "前后两个基线之间中断了 {} 小时"),
        ("settings_changed",
         "kernel or NIC settings changed between its baselines",
         "前后两个基线之间，内核或网卡配置发生了变更"),
        ("old_version", "old version: {}", "旧版本：{}"),
        ("no_old_cell", "no cell of the old version", "旧版本没有对应的测量单元"),
        # an effect of which something is missing
        ("lost", "{lost} of {planned} cells {states}",
         "{planned} 个测量单元中有 {lost} 个{states}"),
        ("because", "{problem} ({why})", "{problem}（{why}）"),
        ("mixed",
         "kernel, tool or NIC settings changed between iterations",
         "各次迭代之间，内核、工具或网卡配置发生了变更"),
        ("nights", "measured in {nights} nights: each counts once",
         "分 {nights} 夜测量，每夜计为一个样本"),
        ("times", "{problem} ({count}×)", "{problem}（{count} 次）"),
        # an effect that is not tested
        ("single", "{counted}: no spread known", "仅 {counted}，离散度未知"),
        ("no_spread", "the differences show no spread: no interval", "各次差值相同，无法给出区间"),
        ("no_margin", "no margin set for this metric: interval only",
         "该指标未设容差，仅给出区间"),
        # an effect that no test decides
        ("open",
         "the interval [{low}, {high}] {unit} leaves it open; with {counted} a cost of {mde} "
         "{unit} or more is decided",
         "区间 [{low}, {high}] {unit} 不足以判定；{counted}可判定 {mde} {unit} 及以上的开销"),
        ("like_placebo",
         "; it differs from the baselines but not from the placebos: it may be the harness's cost",
         "；与基线有差异，但与空载对照无差异：可能是测试框架自身的开销"),
        ("disagree",
         "mean {mean} and Hodges–Lehmann {median} {unit} disagree: single iterations "
         "dominate the mean",
         "均值 {mean} 与 Hodges–Lehmann 估计 {median} {unit} 不一致：均值受个别迭代左右"),
        # a verdict
        ("p", "p = {p}, adjusted {q}", "p = {p}，校正后 {q}"),
        ("overhead", "cost is above the margin of {margin} ({p})", "开销超出容差 {margin}（{p}）"),
        ("within", "cost is within ±{margin} ({p})", "开销在 ±{margin} 以内（{p}）"),
        ("small_gain",
         "; a gain of {gain} is no tool's doing: {causes}",
         "；{gain} 的性能提升并非工具所致：{causes}"),
        ("amount", "{value} {unit}", "{value} {unit}"),
        ("positive",
         "there is overhead ({p}); whether it exceeds {margin} is open",
         "有开销（{p}），但尚不能判定是否超出 {margin}"),
        ("gain",
         "faster with the tool than without ({p}), which no tool can cause by itself; {causes}",
         "加载工具后性能反而提升（{p}），工具自身不可能造成这一结果；{causes}"),
        ("gain_causes",
         "check idle states (cores that the tool kept awake), CPU frequency, flow-cache "
         "warm-up and baseline drift",
         "请检查 CPU 空闲状态（工具使核心未休眠）、频率、流表缓存预热与基线漂移"),
        ("and", "{reason}; {problem}", "{reason}；{problem}"),
        ("withheld", "verdict withheld: {}", "暂不判定：{}"),
        ("calibration", "{} failed; the interval stands", "{} 未通过；区间仍然有效"),
        # a gain, in a sequential campaign
        ("again",
         "{}; confirmed on {} further iterations, judged on these alone",
         "{}；另测 {} 次迭代后结果相同，判定仅依据这些迭代"),
        ("not_again", "{}; not measured again", "{}；尚未重新测量"),
        # the end of a case
        ("decided", "decided after {n} iterations", "第 {n} 次迭代后已有结论"),
        ("useless",
         "no valid cell in {n} iterations: more would not help",
         "{n} 次迭代均无有效测量单元，增加迭代无济于事"),
        ("fixed", "fixed design of {n} iterations", "固定设计，共 {n} 次迭代"),
        ("cap", "cap of {n} iterations reached", "达到 {n} 次迭代上限"),
        ("ended", "campaign ended after {n} iterations", "测试在第 {n} 次迭代后结束"),
        # a comparison of runs or versions
        ("worse", "costs more, beyond the margin", "开销增加，幅度超出容差"),
        ("same_within_margin", "the difference is within the margin", "差异在容差以内"),
        ("worse_unresolved",
         "costs more; whether beyond the margin is open",
         "开销增加，尚不能判定是否超出容差"),
        ("better", "costs less", "开销减小"),
        # tools together
        ("no_part", "one of its tools was not measured alone here", "其中一个工具未单独测量"),
        ("more_than_sum",
         "costs more than the sum, beyond the margin",
         "开销大于各自之和，幅度超出容差"),
        ("additive", "the sum of each alone, within the margin", "与各自之和之差在容差以内"),
        ("more_than_sum_unresolved",
         "costs more than the sum; whether beyond the margin is open",
         "开销大于各自之和，尚不能判定是否超出容差"),
        ("less_than_sum", "costs less than the sum", "开销小于各自之和"),
        ("not_comparable", "no estimate on at least one side", "两侧并非都有估计值"),
        ("here", "; second run: {}", "；后一批次：{}"),
        ("there", "; first run: {}", "；前一批次：{}"),
    )
}  # fmt: skip

_COUNTED = {
    "iteration": Bilingual("iteration", "次迭代"),
    "night": Bilingual("night", "夜"),
}

STATUSES = {
    CellStatus.PASSED: Bilingual("passed", "通过"),
    CellStatus.INVALID: Bilingual("invalid", "无效"),
    CellStatus.FAILED: Bilingual("failed", "失败"),
    CellStatus.SKIPPED: Bilingual("skipped", "跳过"),
}


def say(key: str, **values: object) -> Bilingual:
    """The sentence of `key` with its {names} filled in. Raises KeyError for an unknown key."""
    return REASONS[key].format(**values)


def counted(n: int, what: str) -> Bilingual:
    """`3 iterations`, `1 night`."""
    word = _COUNTED[what]
    return Bilingual(f"{n} {word.en}{'' if n == 1 else 's'}", f"{n} {word.zh}")


def sentence(key: str, *values: pl.Expr | str) -> pl.Expr:
    """The sentence of `key` as a SENTENCE column, each `{}` filled in from a column.

    A value that is given as a string names a SENTENCE column.
    """

    def side(name: str) -> pl.Expr:
        own = [pl.col(v).struct.field(name) if isinstance(v, str) else v for v in values]
        text = getattr(REASONS[key], name)
        return pl.format(text, *own) if own else pl.lit(text)

    return pl.struct(en=side("en"), zh=side("zh"))


def as_row(text: Bilingual | None) -> dict[str, str] | None:
    """A value of a SENTENCE column."""
    return None if text is None else {"en": text.en, "zh": text.zh}


def from_row(value: Any) -> Bilingual | None:
    """The sentence in a row of a SENTENCE column."""
    return None if value is None else Bilingual(**value)
