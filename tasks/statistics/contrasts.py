"""Two runs, or two versions of a tool: the difference of their costs, its interval and a verdict.

Positive: the second (B, or the new version) costs more. Unlike a tool against nothing, a version
may well be better than another.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.special import stdtrit

from ..model.metrics import METRICS
from ..storage.schema import EFFECTS
from .arrays import Floats
from .decision_rules import Rules
from .estimates import estimate, smallest_visible
from .margins import Margins
from .scale import from_cost, sign, to_cost
from .verdicts import answer, believed, tested

WORDS = {
    "overhead": ("worse", "costs more by more than the margin"),
    "within": ("same_within_margin", "the difference is within the margin"),
    "positive": ("worse_unresolved", "costs more, not known whether by more than the margin"),
    "gain": ("better", "costs less"),
}

_PLACE = ["environment", "layer", "case", "workload", "metric"]
_SHOWN = (
    "environment", "layer", "case", "against", "workload", "metric", "unit", "primary", "n",
    "estimate", "ci_low", "ci_high", "p_two_sided", "margin", "mde", "verdict", "reason",
)  # fmt: skip

_SCHEMA = {name: EFFECTS.schema.get(name, pl.String()) for name in _SHOWN}


def compare_runs(a: pl.DataFrame, b: pl.DataFrame, margins: Margins, rules: Rules) -> pl.DataFrame:
    """Effects of run `b` less those of run `a`, of the cases, workloads and metrics of both.

    Each is held against its own baselines, so what changed in the hosts' level is not in it.
    Unpaired: se² = se_a² + se_b², degrees of freedom after Welch and Satterthwaite. Environments
    are matched by name, unless either side has one only. What is withheld in either run is not
    compared.
    """
    on = _PLACE if _several(a) or _several(b) else _PLACE[1:]
    joined = believed(b).join(believed(a), on=on, suffix="_a")
    parts = [_unpaired(part, rules) for part in joined.partition_by("metric", maintain_order=True)]
    return _judged(pl.concat(parts), margins, rules) if parts else pl.DataFrame(schema=_SCHEMA)


def match_versions(cells: pl.DataFrame, new: str, old: str) -> dict[str, str]:
    """Case of tool `new` -> case of tool `old` with equal layer and parameters."""
    cases = cells.select("tool", "layer", "parameters", "case").unique(maintain_order=True)
    by = ["layer", "parameters"]
    pairs = cases.filter(tool=new).join(cases.filter(tool=old), on=by, suffix="_old",
                                        nulls_equal=True)  # fmt: skip
    return dict(pairs.select("case", "case_old").iter_rows())


def compare_versions(
    cells: pl.DataFrame,
    differences: pl.DataFrame,
    pairs: Mapping[str, str],
    margins: Margins,
    rules: Rules,
) -> pl.DataFrame:
    """New against old, measured interleaved in one campaign: paired iteration by iteration.

    `differences` are those of `Analysis`; `pairs` maps the new version's case to the old one's.
    """
    old_of = pl.col("case").replace_strict(dict(pairs), default=None, return_dtype=pl.String)
    at = ["environment", "run", "layer", "iteration", "workload", "metric"]
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
            pl.format("old version: {}", "problem_old"),
            pl.when(pl.col("d_old").is_null()).then(pl.lit("no cell of the old version")),
        ),
    )
    estimates = estimate(cells.filter(pl.col("case").is_in(list(pairs))), paired, rules)
    return _judged(estimates.with_columns(against=old_of), margins, rules)


def _judged(estimates: pl.DataFrame, margins: Margins, rules: Rules) -> pl.DataFrame:
    """Adds the verdict in this page's words."""
    frame = tested(estimates, margins)
    answers = []
    for row in frame.iter_rows(named=True):
        question, reason = answer(row, rules)
        answers.append(WORDS.get(question, ("inconclusive", reason)))
    return frame.with_columns(
        pl.Series("verdict", [verdict for verdict, _ in answers], pl.String),
        pl.Series("reason", [reason for _, reason in answers], pl.String),
    ).select(_SHOWN)


def _unpaired(part: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    metric = METRICS[part["metric"][0]]

    def pair(name: str) -> tuple[Floats, Floats]:
        floats = part.select(pl.col(name, f"{name}_a").cast(pl.Float64).fill_null(np.nan))
        return floats[name].to_numpy(), floats[f"{name}_a"].to_numpy()

    (delta_b, delta_a), (se_b, se_a), (df_b, df_a) = (
        pair(name) for name in ("estimate_log", "se_log", "df")
    )
    variance = se_a**2 + se_b**2
    df = variance**2 / (se_a**4 / df_a + se_b**4 / df_b)
    delta, half = delta_b - delta_a, stdtrit(df, 0.975) * np.sqrt(variance)
    ends = np.sort([to_cost(delta - half, metric), to_cost(delta + half, metric)], axis=0)
    visible = smallest_visible(variance, np.ones_like(df), df, rules.test_alpha, rules.power)
    median_b, median_a = (
        np.array([sign(metric) * from_cost(cost, metric) for cost in costs])
        for costs in pair("hodges_lehmann")
    )
    numbers = {
        "estimate_log": delta,
        "se_log": np.sqrt(variance),
        "df": df,
        "estimate": to_cost(delta, metric),
        "ci_low": ends[0],
        "ci_high": ends[1],
        "mde": to_cost(sign(metric) * visible, metric),
        "hodges_lehmann": to_cost(median_b - median_a, metric),
    }
    return part.with_columns(
        *(pl.Series(name, values, pl.Float64).fill_nan(None) for name, values in numbers.items()),
        n=pl.min_horizontal("n", "n_a"),
        against=pl.col("case"),
        mixed=pl.lit(False),
        lost=pl.lit(0),
        planned=pl.lit(1),
        problem=pl.when(pl.col("estimate_log").is_null() | pl.col("estimate_log_a").is_null()).then(
            pl.concat_str(
                pl.lit("no estimate on both sides"),
                pl.format("; here {}", pl.when(pl.col("estimate_log").is_null()).then("reason")),
                pl.format(
                    "; there {}", pl.when(pl.col("estimate_log_a").is_null()).then("reason_a")
                ),
                ignore_nulls=True,
            )
        ),
    )


def _several(effects: pl.DataFrame) -> bool:
    return effects["environment"].n_unique() > 1
