"""May this environment be believed? What it reads where the truth is known.

| rule                         | truth                    | a failure                              |
|------------------------------|--------------------------|----------------------------------------|
| calibration.free_aa          | baselines cost nothing   | blocks: no verdicts, only intervals    |
| calibration.placebo          | a placebo costs nothing  | blocks: the harness is the finding     |
| calibration.carry_over       | a baseline has no memory | warns: a longer cool-down is needed    |
| calibration.steady_blocks    | baselines stay           | warns: the environment is unhealthy    |
| calibration.positive_control | a cap of known size      | blocks: the cap is not in its interval |
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr
from scipy.stats import binom, linregress

from ..storage.schema import CHECKS
from .baselines import (
    UNHEALTHY_SHARE,
    baseline_series,
    blocks,
    residuals,
    scaled_mad,
    unsteady_share,
)
from .decision_rules import Rules
from .estimates import GROUP
from .moderated import moderate

BAND = 0.99
NOMINAL = 0.05
MIN_RESIDUALS = 8  # for a slope

Row = dict[str, Any]


def calibrate(values: pl.DataFrame, effects: pl.DataFrame, rules: Rules) -> list[Row]:
    """Rows of CHECKS for one environment and run, from its cell values and judged effects."""
    series = baseline_series(values, rules)
    return [
        free_aa(series),
        *placebos(effects),
        carry_over(series, values),
        steady_blocks(series),
    ]


def free_aa(series: pl.DataFrame) -> Row:
    """Every second inner baseline as if it were a case, through the same moderated t.

    Its true effect is 0, so the p-values below 0.05 must be about one in twenty: within the
    binomial 99 % band. Every second one, because side by side they share their baselines.
    """
    cases = (
        residuals(series, "y")
        .filter(pl.col("index") % 2 == 1)
        .group_by(*GROUP, "index", maintain_order=True)
        .agg(n=pl.len(), mean=pl.col("y_residual").mean(), s2=pl.col("y_residual").var(ddof=1))
        .filter(pl.col("s2") > 0)
    )
    p = [p for group in cases.partition_by(GROUP) for p in _p_values(group)]
    low, high = (int(limit) for limit in binom.interval(BAND, max(1, len(p)), NOMINAL))
    hits = sum(value < NOMINAL for value in p)
    row = {
        "rule_id": "calibration.free_aa",
        "severity": "blocks",
        "status": "passed" if low <= hits <= high else "failed",
        "observed": f"{hits} of {len(p)} below {NOMINAL:g}",
        "expected": f"{low} to {high}",
        "message": "Baselines held against their neighbours show about as many effects as chance.",
        "message_zh": "基线与相邻基线相比，显著差异的比例与偶然一致。",
    }
    if not p:
        return _not_judged(row, "fewer than 2 iterations with an inner baseline")
    if row["status"] == "failed":
        row |= {
            "message": "Baselines held against their neighbours differ more, or less, often than "
            "chance: this environment's verdicts are withheld.",
            "message_zh": "基线与相邻基线的差异次数超出偶然范围：该环境不作判定，只给出区间。",
            "advice": "Look at the baselines over time; lengthen the windows, pin the load.",
            "advice_zh": "请查看基线随时间的变化；延长测量窗口，并绑定负载的 CPU。",
        }
    return row


def _p_values(group: pl.DataFrame) -> list[float]:
    n, mean, s2 = (group[name].cast(pl.Float64).to_numpy() for name in ("n", "mean", "s2"))
    variance, df = moderate(s2, n - 1)
    return [float(p) for p in 2 * stdtr(df, -np.abs(mean) / np.sqrt(variance / n))]


def placebos(effects: pl.DataFrame) -> list[Row]:
    """One row a placebo and primary metric: it must cost nothing.

    Failed where its verdict is an overhead, or where p of "no effect" is below 1 % after Bonferroni
    over the placebos' rows: not the campaign-wide correction, which real overheads loosen.
    """
    found = effects.filter(pl.col("kind") == "placebo", pl.col("primary"))
    level = (1 - BAND) / max(1, found["p_two_sided"].count())
    rows = []
    for effect in found.iter_rows(named=True):
        p = effect["p_two_sided"]
        guilty = effect["verdict"] == "overhead" or (p is not None and p <= level)
        row = {
            "rule_id": "calibration.placebo",
            "severity": "blocks",
            "status": "failed" if guilty else "passed",
            **{k: effect[k] for k in ("layer", "tool", "case", "workload", "metric")},
            "observed": _cost(effect),
            "expected": "no effect",
            "message": "A placebo attaches nothing and comes out without effect.",
            "message_zh": "安慰剂不挂载任何探针，结果为无影响。",
        }
        if guilty:
            row |= {
                "message": "A placebo shows an effect: what is measured is the harness, and this "
                "environment's verdicts are withheld.",
                "message_zh": "安慰剂显示有影响：测到的是测量装置本身，该环境不作判定。",
                "advice": "Find what start, log or monitor cost the traffic before any tool.",
                "advice_zh": "先查明启动、日志或监控对流量的影响，再看任何工具。",
            }
        rows.append(row if p is not None else _not_judged(row, "no interval"))
    return rows


def carry_over(series: pl.DataFrame, values: pl.DataFrame) -> Row:
    """Slope of the baselines' residuals over the time since the last tool's window ended.

    Residuals are in robust SDs of their workload. The time has its neighbours' interpolation taken
    off like the residual: what all baselines have in common cannot show in either.
    """
    row = {
        "rule_id": "calibration.carry_over",
        "severity": "warns",
        "status": "passed",
        "expected": "no slope",
        "message": "Baselines do not depend on how long ago the last tool ran.",
        "message_zh": "基线与距上一个工具结束的时间无关。",
    }
    tools = values.filter(pl.col("kind") != "baseline").select(
        "environment", "run", "layer", "ended", tool_ended=pl.col("ended")
    )
    since = (pl.col("started") - pl.col("tool_ended")).dt.total_microseconds() / 1e6
    points = residuals(
        series.sort("started")
        .join_asof(
            tools.sort("ended"),
            left_on="started",
            right_on="ended",
            by=["environment", "run", "layer"],
            check_sortedness=False,
        )
        .with_columns(since_s=since)
        .sort("t_s"),
        "y",
        "since_s",
    )
    scaled = [
        part.with_columns(y_residual=pl.col("y_residual") / spread)
        for part in points.partition_by("layer", "workload")
        if (spread := scaled_mad(part["y_residual"])) > 0
    ]
    x, y = (
        np.concatenate([part[name].to_numpy() for part in scaled]) if scaled else np.empty(0)
        for name in ("since_s_residual", "y_residual")
    )
    if len(x) < MIN_RESIDUALS or np.ptp(x) < 1.0:
        return _not_judged(row, "the time since the last tool hardly varies")
    fit = linregress(x, y)
    row["observed"] = f"{fit.slope * 10:+.2g} SD in 10 s (p = {fit.pvalue:.2g})"
    if fit.pvalue < 1 - BAND:
        row |= {
            "status": "failed",
            "message": "Baselines depend on how long ago the last tool ran.",
            "message_zh": "基线与距上一个工具结束的时间有关。",
            "advice": "Set a longer cool-down.",
            "advice_zh": "请设置更长的冷却时间。",
        }
    return row


def steady_blocks(series: pl.DataFrame) -> Row:
    """The share of blocks between two baselines that jumped."""
    unsteady, judged = unsteady_share(blocks(series))
    row = {
        "rule_id": "calibration.steady_blocks",
        "severity": "warns",
        "status": "passed",
        "observed": f"{unsteady} of {judged} blocks",
        "expected": f"at most {UNHEALTHY_SHARE:.0%}",
        "message": "Neighbouring baselines agree.",
        "message_zh": "相邻基线一致。",
    }
    if not judged:
        return _not_judged(row, "too few blocks")
    if unsteady > UNHEALTHY_SHARE * judged:
        row |= {
            "status": "failed",
            "message": "Too many neighbouring baselines jump: the environment is unhealthy.",
            "message_zh": "相邻基线跳变过多：该环境不健康。",
            "advice": "Look for foreign load, frequency changes and scheduler regimes.",
            "advice_zh": "请检查外来负载、频率变化和调度状态。",
        }
    return row


def positive_control(effect: Mapping[str, Any], true_cost: float) -> Row:
    """A known cap (e.g. a `tc` rate 3 % below the baseline) must be covered by its interval."""
    row = {
        "rule_id": "calibration.positive_control",
        "severity": "blocks",
        "status": "passed",
        **{k: effect[k] for k in ("layer", "tool", "case", "workload", "metric")},
        "observed": _cost(effect),
        "expected": f"{true_cost:g} {effect['unit']}",
        "message": "The interval of the control covers its known cost.",
        "message_zh": "对照的区间覆盖其已知开销。",
    }
    if effect["ci_low"] is None:
        return _not_judged(row, "no interval")
    if not effect["ci_low"] <= true_cost <= effect["ci_high"]:
        row |= {
            "status": "failed",
            "message": "The interval of the control misses its known cost.",
            "message_zh": "对照的区间未覆盖其已知开销。",
        }
    return row


def check_frame(rows: list[Row], environment: str, run: str) -> pl.DataFrame:
    """The rows as CHECKS of one environment and run."""
    return CHECKS.frame(row | {"environment": environment, "run": run} for row in rows)


def failed(rows: list[Row]) -> list[str]:
    """Ids of the rules whose failure withholds this environment's verdicts."""
    guilty = [r["rule_id"] for r in rows if r["severity"] == "blocks" and r["status"] == "failed"]
    return sorted(set(guilty))


def _not_judged(row: Row, why: str) -> Row:
    return row | {
        "severity": "informs",
        "status": "error",
        "observed": why,
        "message": f"Not judged: {why}.",
        "message_zh": "数据不足，未作判断。",
    }


def _cost(effect: Mapping[str, Any]) -> str:
    if effect["ci_low"] is None:
        return "no interval"
    numbers = (effect[name] for name in ("estimate", "ci_low", "ci_high"))
    return "{:+.3g} [{:+.3g}, {:+.3g}] {}".format(*numbers, effect["unit"])
