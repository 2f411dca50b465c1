"""From estimates to verdicts: four questions about each effect, and the first yes in words.

| question   | null hypothesis    | test                                             |
|------------|--------------------|--------------------------------------------------|
| overhead   | cost ≤ margin      | one-sided t                                      |
| within     | abs(cost) ≥ margin | two one-sided t tests (TOST; Schuirmann 1987)    |
| positive   | cost ≤ 0           | one-sided t                                      |
| gain       | cost ≥ 0           | one-sided t                                      |

Each question is corrected for the number of effects about which it is asked in one environment and
run (Benjamini–Hochberg 1995). Effects on a metric without a margin keep their interval and are
`inconclusive`: without a margin no cost is small or large.

A verdict must also hold for the Hodges–Lehmann estimate, which a single outlier hardly moves: the
same sign where the question is about a direction, inside the margin where it is about being within.
(The mean and the median of a zero cost may have different signs; to require the same sign there
would leave one harmless effect in sixteen open however long it is measured.)
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr
from scipy.stats import false_discovery_control

from ..storage.schema import PARTITION
from .arrays import Floats, by_group, columns, floats
from .decision_rules import DecisionRules
from .margins import Margins
from .scale import from_cost, metric_of, sign

Row = Mapping[str, Any]
"""An effect, tested: the columns of EFFECTS, q_* and those that `estimates.estimate` adds."""

QUESTIONS = ("overhead", "within", "positive", "gain")

GAIN_CAUSES = (
    "likely causes: flow-cache warm-up, cores kept awake by the tool, baseline drift, CPU frequency"
)


def judge(
    estimates: pl.DataFrame,
    margins: Margins,
    rules: DecisionRules,
    verdict: Callable[[Row, DecisionRules], tuple[str, str]] | None = None,
) -> pl.DataFrame:
    """Adds `margin`, p_* of each question, q_* (the same corrected within each run), `verdict` and
    `reason` to the frame of `estimates.estimate`.

    `verdict`: from a tested effect to its verdict and reason; None: `verdict_of`.
    """
    with_p = by_group(estimates, "metric", lambda part: _with_p_values(part, margins))
    frame = by_group(with_p, PARTITION, _with_corrected)
    answers = [(verdict or verdict_of)(row, rules) for row in frame.iter_rows(named=True)]
    return frame.with_columns(
        pl.Series("verdict", [name for name, _ in answers], pl.String),
        pl.Series("reason", [reason for _, reason in answers], pl.String),
    )


def benjamini_hochberg(p: Floats) -> Floats:
    """The p-values corrected for their number (false discovery rate); NaN where p is NaN."""
    q = np.full_like(p, np.nan)
    asked = ~np.isnan(p)
    if asked.any():
        q[asked] = false_discovery_control(p[asked])
    return q


def p_values(eta: Floats, se: Floats, df: Floats, low: float, high: float) -> dict[str, Floats]:
    """The p of each question, for oriented estimates (positive = worse) and oriented margins."""
    below = stdtr(df, (eta - high) / se)
    return {
        "p_two_sided": 2 * stdtr(df, -np.abs(eta) / se),
        "p_overhead": stdtr(df, -(eta - high) / se),
        "p_within": np.maximum(below, stdtr(df, -(eta - low) / se)),
        "p_positive": stdtr(df, -eta / se),
        "p_gain": stdtr(df, eta / se),
    }


def _with_p_values(effects: pl.DataFrame, margins: Margins) -> pl.DataFrame:
    """Adds `margin` and the p-values to effects of one metric."""
    metric = metric_of(effects)
    margin = margins.get(metric.name)
    low, high = (
        (np.nan, np.nan)
        if margin is None
        else (from_cost(-margin, metric), from_cost(margin, metric))
    )
    delta, se, df = floats(effects, "estimate_log", "se_log", "df")
    p = p_values(sign(metric) * delta, se, df, low, high)
    if margin is None:  # without a margin for the size, no direction is tested either
        p |= dict.fromkeys(("p_positive", "p_gain"), np.full_like(delta, np.nan))
    return effects.with_columns(pl.lit(margin, pl.Float64).alias("margin"), *columns(p))


def _with_corrected(family: pl.DataFrame) -> pl.DataFrame:
    """Adds q_*: the p_* of each question corrected for all effects of which it is asked."""
    p = dict(zip(QUESTIONS, floats(family, *(f"p_{q}" for q in QUESTIONS)), strict=True))
    return family.with_columns(columns({f"q_{q}": benjamini_hochberg(p[q]) for q in QUESTIONS}))


def verdict_of(row: Row, rules: DecisionRules) -> tuple[str, str]:
    """The verdict of one effect and the reason. `row` has q_* beside the columns of EFFECTS."""
    question, reason = answer(row, rules)
    if question in _VERDICTS:
        reason = _reason(row, question)
    problem = row["problem"]
    if problem and problem not in reason:
        reason = f"{reason}; {problem}"
    return _VERDICTS.get(question, question), reason


_VERDICTS = {
    "overhead": "overhead",
    "within": "no_overhead_within_margin",
    "positive": "overhead_unresolved",
    "gain": "implausible_gain",
}


def answer(row: Row, rules: DecisionRules) -> tuple[str, str]:
    """The first question that is answered yes, in the order of `QUESTIONS`.

    Or ("invalid" | "inconclusive", the reason) where none is, or none can be asked.
    """
    if row["mixed"] or (row["n"] == 0 and row["lost"] == row["planned"]):
        return "invalid", row["problem"]
    if reason := _not_asked(row):
        return "inconclusive", reason
    for question in QUESTIONS:
        if row[f"q_{question}"] <= rules.test_alpha:
            if _median_disagrees(row, question):
                return "inconclusive", _disagreement(row)
            return question, ""
    if _signs_differ(row) and abs(row["estimate"]) > row["margin"]:
        return "inconclusive", _disagreement(row)
    return "inconclusive", (
        f"the interval [{row['ci_low']:+.3g}, {row['ci_high']:+.3g}] {row['unit']} leaves it open; "
        f"{_counted(row)} can detect a cost of {row['mde']:.2g} {row['unit']} or more"
    )


def _not_asked(row: Row) -> str | None:
    """Why an effect is not tested against the margin; None where it is."""
    if row["n"] == 0:
        return str(row["problem"])
    if row["n"] == 1:
        return f"{_counted(row)}: no spread known"
    if row["se_log"] is None:
        return row["problem"] or "the differences show no spread: no interval"
    if row["margin"] is None:
        return "no margin set for this metric: interval only"
    return None


def _counted(row: Row) -> str:
    """What n counts: iterations, or nights where the case was measured in several."""
    unit = "night" if (row.get("nights") or 1) > 1 else "iteration"
    return f"{row['n']} {unit}{'' if row['n'] == 1 else 's'}"


def _median_disagrees(row: Row, question: str) -> bool:
    """Whether the Hodges–Lehmann estimate does not support the mean's answer."""
    if question == "within":
        return bool(abs(row["hodges_lehmann"]) > row["margin"])
    return _signs_differ(row)


def _signs_differ(row: Row) -> bool:
    return bool(row["estimate"] * row["hodges_lehmann"] < 0)


def _disagreement(row: Row) -> str:
    return (
        f"mean {row['estimate']:+.3g} and Hodges–Lehmann {row['hodges_lehmann']:+.3g} "
        f"{row['unit']} disagree: single iterations decide the mean"
    )


def _reason(row: Row, question: str) -> str:
    p = f"p = {row[f'p_{question}']:.2g}, adjusted {row[f'q_{question}']:.2g}"
    unit = row["unit"]
    margin = f"{row['margin']:g} {unit}"
    within = f"cost is within ±{margin} ({p})"
    if row["ci_high"] < 0:  # an established gain, though a small one
        within += f"; {-row['estimate']:.2g} {unit} of gain is no tool's doing: {GAIN_CAUSES}"
    return {
        "overhead": f"cost is above the margin of {margin} ({p})",
        "within": within,
        "positive": f"there is a cost ({p}), but not known whether it is above {margin}",
        "gain": f"better with the tool than without ({p}), which a tool cannot cause; "
        f"{GAIN_CAUSES}",
    }[question]


def believed(effects: pl.DataFrame) -> pl.DataFrame:
    """Judged effects without the numbers of those whose verdict is withheld.

    Their rows and reasons stay. Whatever is derived from effects (a comparison, a budget, a
    history) starts here.
    """
    fine = pl.col("withheld_by").is_null()
    return effects.with_columns(
        pl.when(fine).then(name).alias(name) for name in _NUMBERS if name in effects.columns
    )


def withhold(effects: pl.DataFrame, rules: pl.Expr, why: pl.Expr) -> pl.DataFrame:
    """`effects` without verdict where `rules` is not null; their intervals stay.

    rules: ids of the checks that failed; why: the reason in words.
    """
    hit = rules.is_not_null() & (pl.col("verdict") != "invalid")
    return effects.with_columns(
        verdict=pl.when(hit).then(pl.lit("inconclusive")).otherwise("verdict"),
        withheld_by=pl.when(hit).then(rules).otherwise("withheld_by"),
        reason=pl.when(hit).then(pl.format("verdict withheld: {}", why)).otherwise("reason"),
    )


_NUMBERS = ("estimate", "ci_low", "ci_high", "estimate_log", "se_log", "df", "hodges_lehmann")
