"""Can this environment be trusted? What it shows where the true effect is known.

| rule                      | known truth              | a failure                                |
|---------------------------|--------------------------|------------------------------------------|
| calibration.free_aa       | baselines cost nothing   | blocks: intervals only, no verdicts      |
| calibration.placebo       | a placebo costs nothing  | blocks: the harness itself has an effect |
| calibration.carry_over    | a tool that has ended    | warns: a longer cool-down is needed      |
|                           | costs nothing            |                                          |
| calibration.steady_blocks | baselines do not jump    | warns: the environment is unhealthy      |
| calibration.decided_stays | a tool's cost is one     | warns: it changed after it was decided   |
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr
from scipy.stats import binom, mannwhitneyu

from ..model.bilingual import Bilingual, joined, same, unit
from ..storage.schema import EFFECTS, PARTITION, STRATUM
from .arrays import floats
from .baselines import MAD_TO_SD, baseline_series, blocks, residuals
from .decision_rules import DecisionRules
from .moderated import moderate
from .reasons import counted

BAND = 0.99
NOMINAL = 0.05
MIN_RUNS = 8  # after a tool, and after a baseline
UNHEALTHY_SHARE = 0.10

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CalibrationRule:
    """One rule: stable id, severity, and what it says where it passes and where it fails."""

    id: str
    severity: str
    passed: Bilingual
    failed: Bilingual
    advice: Bilingual


FREE_AA = CalibrationRule(
    "calibration.free_aa",
    "blocks",
    Bilingual(
        "Baselines compared with their neighbours differ about as often as chance.",
        "基线与相邻基线相比，出现差异的比例与随机波动一致。",
    ),
    Bilingual(
        "Baselines compared with their neighbours differ more, or less, often than chance: this "
        "environment's verdicts are withheld.",
        "基线与相邻基线出现差异的次数超出随机波动范围：该环境暂不判定，只给出区间。",
    ),
    Bilingual(
        "Look at the baselines over time; lengthen the windows, pin the load.",
        "查看基线随时间的变化；延长测量窗口，并绑定负载的 CPU。",
    ),
)
PLACEBO = CalibrationRule(
    "calibration.placebo",
    "blocks",
    Bilingual(
        "The placebo, which attaches no probe, shows no effect.",
        "空载对照不挂载探针，结果无影响。",
    ),
    Bilingual(
        "The placebo, which attaches no probe, shows an effect: it is the harness's, and this "
        "environment's verdicts are withheld.",
        "空载对照不挂载探针，却显示有影响：影响来自测试框架自身，该环境暂不判定。",
    ),
    Bilingual(
        "First find out what starting, logging or monitoring costs the traffic.",
        "先查明启动、日志或监控对流量的影响。",
    ),
)
CARRY_OVER = CalibrationRule(
    "calibration.carry_over",
    "warns",
    Bilingual(
        "Runs that follow a tool agree with those that follow a baseline.",
        "紧随工具的测量与紧随基线的测量一致。",
    ),
    Bilingual(
        "Runs that follow a tool differ from those that follow a baseline: tools leave something "
        "behind.",
        "紧随工具的测量与紧随基线的测量不同：工具的影响在其结束后仍有残留。",
    ),
    Bilingual("Set a longer cool-down.", "延长冷却时间。"),
)
STEADY_BLOCKS = CalibrationRule(
    "calibration.steady_blocks",
    "warns",
    Bilingual("Neighbouring baselines agree.", "相邻基线一致。"),
    Bilingual(
        "Too many neighbouring baselines jump: the environment is unstable.",
        "相邻基线跳变过多：该环境不稳定。",
    ),
    Bilingual(
        "Check for foreign load, frequency changes and scheduling.",
        "检查外来负载、频率变化与调度。",
    ),
)
DECIDED_STAYS = CalibrationRule(
    "calibration.decided_stays",
    "warns",
    Bilingual(
        "What was decided is not contradicted by later iterations.", "后续迭代与已有判定不矛盾。"
    ),
    Bilingual(
        "Later iterations say the opposite of what was decided: the verdict stands, but the cost "
        "differs between the beginning and the end of the run.",
        "后续迭代与已有判定相反：判定保留，但测试前段与后段的开销不一致。",
    ),
    Bilingual(
        "Look at the iterations one by one; measure the case again in a run of its own.",
        "逐次迭代查看数据；单独重测该用例。",
    ),
)
_OPPOSITE = {
    "overhead": "no_overhead_within_margin",
    "no_overhead_within_margin": "overhead",
}


def calibrate(
    values: pl.DataFrame, differences: pl.DataFrame, effects: pl.DataFrame, rules: DecisionRules
) -> list[Row]:
    """Rows of CHECKS, without environment and run, from one run's cell values, their differences
    from the interpolated baselines, and judged effects.

    A rule that cannot be judged gives a row with status `not_judged`, which withholds nothing.
    """
    series = baseline_series(values, rules)
    return [
        free_aa(series),
        *placebos(effects),
        carry_over(differences, rules),
        steady_blocks(series),
    ]


def failed(rows: list[Row]) -> list[str]:
    """Ids of the failed rules that withhold this environment's verdicts."""
    blocking = {r["rule_id"] for r in rows if r["severity"] == "blocks" and r["status"] == "failed"}
    return sorted(blocking)


def decided_stays(decided: pl.DataFrame, later: pl.DataFrame) -> Iterator[Row]:
    """A row for each verdict whose opposite is the verdict of all iterations until a later analysis
    (of what was measured on); one passed row where there is none, no row where none was decided.

    Both frames have the columns of EFFECTS.
    """
    before = decided.filter(pl.col("primary"), pl.col("verdict").is_in(list(_OPPOSITE)))
    if before.is_empty():
        return
    expected = Bilingual("the verdict stays", "判定不变")
    now = {key: effect for effect in later.iter_rows(named=True) if (key := _key(effect))}
    contradicted = 0
    for effect in before.iter_rows(named=True):
        again = now.get(_key(effect))
        if again is not None and again["verdict"] == _OPPOSITE[effect["verdict"]]:
            contradicted += 1
            place = {name: effect[name] for name in ("layer", "tool", "case", "workload", "metric")}
            observed = joined(
                counted(row["n"], "iteration") + same(": ") + _cost(row) for row in (effect, again)
            )
            yield _judged(DECIDED_STAYS, False, observed, expected) | place
    if not contradicted:
        yield _judged(DECIDED_STAYS, True, same(f"0/{len(before)}"), expected)


def _key(effect: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(effect[name] for name in EFFECTS.key)


def free_aa(series: pl.DataFrame) -> Row:
    """Every second inner baseline taken as a case, through the same moderated t.

    Its true effect is 0, so about one p-value in twenty must be below 0.05: as many as the binomial
    99 % band allows. Every second one, because adjacent residuals share their baselines.
    """
    cases = (
        residuals(series, "y")
        .filter(pl.col("index") % 2 == 1)
        .group_by(*STRATUM, "index", maintain_order=True)
        .agg(n=pl.len(), mean=pl.col("y_residual").mean(), s2=pl.col("y_residual").var(ddof=1))
        .filter(pl.col("s2") > 0)
    )
    p = [p for stratum in cases.partition_by(STRATUM) for p in _p_values(stratum)]
    low, high = (int(limit) for limit in binom.interval(BAND, max(1, len(p)), NOMINAL))
    expected = same(f"{low}–{high}")
    if not p:
        few = Bilingual(
            "fewer than 2 iterations with an inner baseline", "含内部基线的迭代不足 2 次"
        )
        return _not_judged(FREE_AA, few, expected)
    hits = sum(value < NOMINAL for value in p)
    observed = same(f"{hits}/{len(p)}: p < {NOMINAL:g}")
    return _judged(FREE_AA, low <= hits <= high, observed, expected)


def _p_values(cases: pl.DataFrame) -> list[float]:
    n, mean, s2 = floats(cases, "n", "mean", "s2")
    variance, df = moderate(s2, n - 1)
    return [float(p) for p in 2 * stdtr(df, -np.abs(mean) / np.sqrt(variance / n))]


def placebos(effects: pl.DataFrame) -> Iterator[Row]:
    """One row for each placebo and primary metric: it must cost nothing.

    It fails where its verdict is an overhead, or where p of "no effect" is below 1 % after
    Bonferroni over the placebos' rows (not after the correction over the whole campaign, which
    real overheads loosen).
    """
    found = effects.filter(pl.col("kind") == "placebo", pl.col("primary"))
    level = (1 - BAND) / max(1, found["p_two_sided"].count())
    for effect in found.iter_rows(named=True):
        p, expected = effect["p_two_sided"], Bilingual("no effect", "无影响")
        place = {name: effect[name] for name in ("layer", "tool", "case", "workload", "metric")}
        if p is None:
            yield _not_judged(PLACEBO, Bilingual("no interval", "无区间"), expected) | place
        else:
            passed = effect["verdict"] != "overhead" and p > level
            yield _judged(PLACEBO, passed, _cost(effect), expected) | place


def carry_over(differences: pl.DataFrame, rules: DecisionRules) -> Row:
    """Runs that follow a tool compared with those that follow a baseline at once.

    The order is random, so without carry-over both are alike. Each difference is taken from the
    mean of its case, in robust standard deviations of its workload; the workloads of one slot are
    averaged, as what a tool leaves behind may concern them all. Two-sided rank test (Mann & Whitney
    1947, Ann. Math. Stat. 18:50), which neither outliers nor unsteady tools mislead.
    """
    of_case = [*STRATUM, "case"]
    runs = differences.filter(rules.is_primary(), pl.col("d").is_not_null()).with_columns(
        deviation=pl.when(pl.len().over(of_case) > 1).then(pl.col("d") - pl.mean("d").over(of_case))
    )
    scaled = [
        part.with_columns(pl.col("deviation") / sd)
        for part in runs.drop_nulls("deviation").partition_by(STRATUM)
        if (sd := _scaled_mad(part["deviation"])) > 0
    ]
    expected = Bilingual("no difference", "无差异")
    slots = (
        pl.concat([runs.clear(), *scaled])
        .group_by(*PARTITION, "layer", "iteration", "position")
        .agg(pl.mean("deviation"), pl.first("follows_tool"))
    )
    after, fresh = (
        slots.filter(follows_tool=follows)["deviation"].to_numpy() for follows in (True, False)
    )
    if min(len(after), len(fresh)) < MIN_RUNS:
        few = Bilingual(
            f"too few runs follow a tool ({len(after)}) or a baseline ({len(fresh)})",
            f"紧随工具（{len(after)} 次）或基线（{len(fresh)} 次）的测量过少",
        )
        return _not_judged(CARRY_OVER, few, expected)
    p = float(mannwhitneyu(after, fresh).pvalue)
    shift = float(np.median(after) - np.median(fresh))
    return _judged(CARRY_OVER, p >= 1 - BAND, same(f"{shift:+.2g} SD, p = {p:.2g}"), expected)


def steady_blocks(series: pl.DataFrame) -> Row:
    """The share of blocks in which a workload's two baselines jumped."""
    judged = (
        blocks(series)
        .drop_nulls("unsteady")
        .group_by("environment", "run", "layer", "iteration", "left")
        .agg(pl.col("unsteady").any())["unsteady"]
    )
    expected = same(f"≤ {100 * UNHEALTHY_SHARE:.0f} %")
    if judged.is_empty():
        few = Bilingual("too few blocks", "相邻基线对过少")
        return _not_judged(STEADY_BLOCKS, few, expected)
    observed = same(f"{judged.sum()}/{len(judged)}")
    passed = judged.sum() <= UNHEALTHY_SHARE * len(judged)
    return _judged(STEADY_BLOCKS, passed, observed, expected)


def _scaled_mad(values: pl.Series) -> float:
    """1.4826 times the median absolute deviation from the median: a robust SD."""
    array = values.to_numpy()
    return float(MAD_TO_SD * np.median(np.abs(array - np.median(array))))


def _judged(rule: CalibrationRule, passed: bool, observed: Bilingual, expected: Bilingual) -> Row:
    row = {
        "rule_id": rule.id,
        "severity": rule.severity,
        "status": "passed" if passed else "failed",
        **_both(observed=observed, expected=expected),
    }
    if passed:
        return row | _both(message=rule.passed)
    return row | _both(message=rule.failed, advice=rule.advice)


def _not_judged(rule: CalibrationRule, why: Bilingual, expected: Bilingual) -> Row:
    return {
        "rule_id": rule.id,
        "severity": "informs",
        "status": "not_judged",
        **_both(observed=why, expected=expected),
        **_both(
            message=Bilingual("Not judged: {why}.", "数据不足，未检查：{why}。").format(why=why)
        ),
    }


def _both(**texts: Bilingual) -> dict[str, str]:
    """Each text in its column, and its Chinese in the twin of that column."""
    english = {name: text.en for name, text in texts.items()}
    return english | {f"{name}_zh": text.zh for name, text in texts.items()}


def _cost(effect: Mapping[str, Any]) -> Bilingual:
    numbers = (effect[name] for name in ("estimate", "ci_low", "ci_high"))
    return same("{:+.3g} [{:+.3g}, {:+.3g}] ".format(*numbers)) + unit(effect["unit"])
