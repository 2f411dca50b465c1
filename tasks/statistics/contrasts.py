"""Two runs, or two versions of a tool: the difference of their costs, its interval and a verdict.

Positive: the second (B, or the new version) costs more. Unlike a tool compared with none, one
version may well be better than another.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtrit

from ..model.bilingual import Bilingual
from ..storage.schema import PARTITION
from .arrays import by_group, columns, floats
from .decision_rules import DecisionRules
from .estimates import estimate
from .margins import Margins
from .reasons import REASONS, say, sentence
from .scale import cost_interval, from_cost, metric_of, sign, to_cost
from .verdicts import answer, believed, judge

VERDICTS = {
    "overhead": "worse",
    "within": "same_within_margin",
    "positive": "worse_unresolved",
    "gain": "better",
}
"""Question -> the verdict of a comparison, which is also the key of its reason."""

_SHOWN = (
    "environment", "layer", "case", "against", "workload", "metric", "unit", "primary", "n",
    "estimate", "ci_low", "ci_high", "p_two_sided", "margin", "mde", "verdict", "reason",
)  # fmt: skip


def compare_runs(
    a: pl.DataFrame, b: pl.DataFrame, margins: Margins, rules: DecisionRules
) -> pl.DataFrame:
    """Effects of run `b` minus those of run `a`, for the cases, workloads and metrics of both.

    Each effect is relative to its own baselines, so a change of the hosts' level is not in the
    difference. Unpaired: se² = se_a² + se_b², degrees of freedom after Welch and Satterthwaite.
    Environments are matched by name, unless both sides have only one. What is withheld in either
    run is not compared.
    """
    on = ["layer", "case", "workload", "metric"]
    if any(side["environment"].n_unique() > 1 for side in (a, b)):
        on.append("environment")
    joined = believed(b).join(believed(a), on=on, suffix="_a")
    missing_b, missing_a = (pl.col(f"estimate_log{side}").is_null() for side in ("", "_a"))

    def problem(side: str, column: str) -> pl.Expr:
        here, there = (getattr(REASONS[key], side) for key in ("here", "there"))
        return pl.concat_str(
            pl.lit(getattr(REASONS["not_comparable"], side)),
            pl.format(here, pl.when(missing_b).then(column)),
            pl.format(there, pl.when(missing_a).then(f"{column}_a")),
            ignore_nulls=True,
        )

    problems = pl.struct(en=problem("en", "reason"), zh=problem("zh", "reason_zh"))
    pairs = joined.with_columns(
        n=pl.min_horizontal("n", "n_a"),
        against=pl.col("case"),
        mixed=pl.lit(False),
        lost=pl.lit(0),
        planned=pl.lit(1),
        problem=pl.when(missing_b | missing_a).then(problems),
    )
    estimates = by_group(pairs, "metric", _unpaired)
    return judge(estimates, margins, rules, _compared).select(_SHOWN)


def match_versions(cells: pl.DataFrame, new: str, old: str) -> dict[str, str]:
    """Case of tool `new` -> case of tool `old` in the same layer with equal parameters."""
    cases = cells.select("tool", "layer", "parameters", "case").unique(maintain_order=True)
    pairs = cases.filter(tool=new).join(
        cases.filter(tool=old), on=["layer", "parameters"], suffix="_old", nulls_equal=True
    )
    return dict(pairs.select("case", "case_old").iter_rows())


def compare_versions(
    cells: pl.DataFrame,
    differences: pl.DataFrame,
    pairs: Mapping[str, str],
    margins: Margins,
    rules: DecisionRules,
) -> pl.DataFrame:
    """The new version minus the old, interleaved in one campaign: paired iteration by iteration.

    `differences` are those of `differences.differences`; `pairs` maps the new version's case to
    the old one's.
    """
    old_of = pl.col("case").replace_strict(dict(pairs), default=None, return_dtype=pl.String)
    at = [*PARTITION, "layer", "iteration", "workload", "metric"]
    new = differences.with_columns(against=old_of).drop_nulls("against")
    paired = new.join(
        differences.select(*at, "d", "value", "problem", against="case"),
        on=[*at, "against"],
        how="left",
        suffix="_old",
    ).with_columns(
        d=pl.col("d") - pl.col("d_old"),
        left_value=pl.col("value_old"),
        right_value=pl.col("value_old"),
        problem=pl.coalesce(
            "problem",
            pl.when(pl.col("problem_old").is_not_null()).then(
                sentence("old_version", "problem_old")
            ),
            pl.when(pl.col("d_old").is_null()).then(sentence("no_old_cell")),
        ),
    )
    estimates = estimate(cells.filter(pl.col("case").is_in(list(pairs))), paired, rules)
    return judge(estimates.with_columns(against=old_of), margins, rules, _compared).select(_SHOWN)


def _compared(row: Mapping[str, Any], rules: DecisionRules) -> tuple[str, Bilingual]:
    """The verdict of a comparison and the reason for it."""
    question, reason = answer(row, rules)
    verdict = VERDICTS.get(question, "inconclusive")
    return verdict, reason or say(verdict)


def _unpaired(pairs: pl.DataFrame) -> pl.DataFrame:
    """The numbers of both sides replaced by those of their difference; pairs of one metric."""
    metric = metric_of(pairs)
    delta_b, delta_a = floats(pairs, "estimate_log", "estimate_log_a")
    se_b, se_a, df_b, df_a = floats(pairs, "se_log", "se_log_a", "df", "df_a")
    median_b, median_a = (
        np.array([sign(metric) * from_cost(cost, metric) for cost in costs], np.float64)
        for costs in floats(pairs, "hodges_lehmann", "hodges_lehmann_a")
    )
    variance = se_a**2 + se_b**2
    df = variance**2 / (se_a**4 / df_a + se_b**4 / df_b)
    delta, half = delta_b - delta_a, stdtrit(df, 0.975) * np.sqrt(variance)
    return pairs.with_columns(
        columns(
            cost_interval(delta, half, metric)
            | {
                "estimate_log": delta,
                "se_log": np.sqrt(variance),
                "df": df,
                "hodges_lehmann": to_cost(median_b - median_a, metric),
            }
        )
    )
