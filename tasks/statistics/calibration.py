"""Can this environment be trusted? What it shows where the true effect is known.

| rule                      | known truth              | a failure                                |
|---------------------------|--------------------------|------------------------------------------|
| calibration.free_aa       | baselines cost nothing   | blocks: intervals only, no verdicts      |
| calibration.placebo       | a placebo costs nothing  | blocks: the harness itself has an effect |
| calibration.carry_over    | a baseline has no memory | warns: a longer cool-down is needed      |
| calibration.steady_blocks | baselines do not jump    | warns: the environment is unhealthy      |
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr
from scipy.stats import binom, linregress

from ..storage.schema import STRATUM
from .arrays import floats
from .baselines import MAD_TO_SD, baseline_series, blocks, residuals
from .decision_rules import DecisionRules
from .moderated import moderate

BAND = 0.99
NOMINAL = 0.05
MIN_RESIDUALS = 8  # for a slope
UNHEALTHY_SHARE = 0.10

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CalibrationRule:
    """One rule: stable id, severity, and what it says where it passes and where it fails."""

    id: str
    severity: str
    passed: str
    passed_zh: str
    failed: str
    failed_zh: str
    advice: str
    advice_zh: str


FREE_AA = CalibrationRule(
    "calibration.free_aa",
    "blocks",
    "Baselines held against their neighbours show about as many effects as chance.",
    "基线与相邻基线相比，显著差异的比例与偶然一致。",
    "Baselines held against their neighbours differ more, or less, often than chance: this "
    "environment's verdicts are withheld.",
    "基线与相邻基线的差异次数超出偶然范围：该环境不作判定，只给出区间。",
    "Look at the baselines over time; lengthen the windows, pin the load.",
    "请查看基线随时间的变化；延长测量窗口，并绑定负载的 CPU。",
)
PLACEBO = CalibrationRule(
    "calibration.placebo",
    "blocks",
    "A placebo attaches nothing and comes out without effect.",
    "安慰剂不挂载任何探针，结果为无影响。",
    "A placebo shows an effect: what is measured is the harness, and this environment's verdicts "
    "are withheld.",
    "安慰剂显示有影响：测到的是测量装置本身，该环境不作判定。",
    "Find what start, log or monitor cost the traffic before any tool.",
    "先查明启动、日志或监控对流量的影响，再看任何工具。",
)
CARRY_OVER = CalibrationRule(
    "calibration.carry_over",
    "warns",
    "Baselines do not depend on how long ago the last tool ran.",
    "基线与距上一个工具结束的时间无关。",
    "Baselines depend on how long ago the last tool ran.",
    "基线与距上一个工具结束的时间有关。",
    "Set a longer cool-down.",
    "请设置更长的冷却时间。",
)
STEADY_BLOCKS = CalibrationRule(
    "calibration.steady_blocks",
    "warns",
    "Neighbouring baselines agree.",
    "相邻基线一致。",
    "Too many neighbouring baselines jump: the environment is unhealthy.",
    "相邻基线跳变过多：该环境不健康。",
    "Look for foreign load, frequency changes and scheduler regimes.",
    "请检查外来负载、频率变化和调度状态。",
)


def calibrate(values: pl.DataFrame, effects: pl.DataFrame, rules: DecisionRules) -> list[Row]:
    """Rows of CHECKS, without environment and run, from one run's cell values and judged effects.

    A rule that cannot be judged gives a row with status `error`, which withholds nothing.
    """
    series = baseline_series(values, rules)
    return [
        free_aa(series),
        *placebos(effects),
        carry_over(series, values),
        steady_blocks(series),
    ]


def failed(rows: list[Row]) -> list[str]:
    """Ids of the failed rules that withhold this environment's verdicts."""
    blocking = {r["rule_id"] for r in rows if r["severity"] == "blocks" and r["status"] == "failed"}
    return sorted(blocking)


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
    expected = f"{low} to {high}"
    if not p:
        return _not_judged(FREE_AA, "fewer than 2 iterations with an inner baseline", expected)
    hits = sum(value < NOMINAL for value in p)
    observed = f"{hits} of {len(p)} below {NOMINAL:g}"
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
        p, expected = effect["p_two_sided"], "no effect"
        place = {name: effect[name] for name in ("layer", "tool", "case", "workload", "metric")}
        if p is None:
            yield _not_judged(PLACEBO, "no interval", expected) | place
        else:
            passed = effect["verdict"] != "overhead" and p > level
            yield _judged(PLACEBO, passed, _cost(effect), expected) | place


def carry_over(series: pl.DataFrame, values: pl.DataFrame) -> Row:
    """Slope of the baselines' residuals over the time since the last tool's window ended.

    Residuals are in robust standard deviations of their workload. The time is taken as a residual
    too: what all baselines have in common cannot appear in either.
    """
    run_layer = ("environment", "run", "layer")
    tools = values.filter(pl.col("kind") != "baseline").select(
        *run_layer, "ended", tool_ended=pl.col("ended")
    )
    since_s = (pl.col("started") - pl.col("tool_ended")).dt.total_microseconds() / 1e6
    timed = (
        series.sort("started")
        .join_asof(
            tools.sort("ended"),
            left_on="started",
            right_on="ended",
            by=run_layer,
            check_sortedness=False,
        )
        .with_columns(since_s=since_s)
        .sort("t_s")
    )
    scaled = [
        part.with_columns(y_residual=pl.col("y_residual") / sd)
        for part in residuals(timed, "y", "since_s").partition_by("layer", "workload")
        if (sd := _scaled_mad(part["y_residual"])) > 0
    ]
    x, y = (
        np.concatenate([part[name].to_numpy() for part in scaled]) if scaled else np.empty(0)
        for name in ("since_s_residual", "y_residual")
    )
    expected = "no slope"
    if len(x) < MIN_RESIDUALS or np.ptp(x) < 1.0:
        return _not_judged(CARRY_OVER, "the time since the last tool hardly varies", expected)
    fit = linregress(x, y)
    observed = f"{fit.slope * 10:+.2g} SD in 10 s (p = {fit.pvalue:.2g})"
    return _judged(CARRY_OVER, not fit.pvalue < 1 - BAND, observed, expected)


def steady_blocks(series: pl.DataFrame) -> Row:
    """The share of blocks in which a workload's two baselines jumped."""
    judged = (
        blocks(series)
        .drop_nulls("unsteady")
        .group_by("environment", "run", "layer", "iteration", "left")
        .agg(pl.col("unsteady").any())["unsteady"]
    )
    expected = f"at most {UNHEALTHY_SHARE:.0%}"
    if judged.is_empty():
        return _not_judged(STEADY_BLOCKS, "too few blocks", expected)
    observed = f"{judged.sum()} of {len(judged)} blocks"
    passed = judged.sum() <= UNHEALTHY_SHARE * len(judged)
    return _judged(STEADY_BLOCKS, passed, observed, expected)


def _scaled_mad(values: pl.Series) -> float:
    """1.4826 times the median absolute deviation from the median: a robust SD."""
    array = values.to_numpy()
    return float(MAD_TO_SD * np.median(np.abs(array - np.median(array))))


def _judged(rule: CalibrationRule, passed: bool, observed: str, expected: str) -> Row:
    row = {
        "rule_id": rule.id,
        "severity": rule.severity,
        "status": "passed" if passed else "failed",
        "observed": observed,
        "expected": expected,
    }
    if passed:
        return row | {"message": rule.passed, "message_zh": rule.passed_zh}
    texts = {"message": rule.failed, "message_zh": rule.failed_zh}
    return row | texts | {"advice": rule.advice, "advice_zh": rule.advice_zh}


def _not_judged(rule: CalibrationRule, why: str, expected: str) -> Row:
    return {
        "rule_id": rule.id,
        "severity": "informs",
        "status": "error",
        "observed": why,
        "expected": expected,
        "message": f"Not judged: {why}.",
        "message_zh": "数据不足，未作判断。",
    }


def _cost(effect: Mapping[str, Any]) -> str:
    numbers = (effect[name] for name in ("estimate", "ci_low", "ci_high"))
    return "{:+.3g} [{:+.3g}, {:+.3g}] {}".format(*numbers, effect["unit"])
