"""From estimates to verdicts: four questions about each effect, and the first yes in words.

| question   | null hypothesis    | test                                             |
|------------|--------------------|--------------------------------------------------|
| overhead   | cost ≤ margin      | one-sided t                                      |
| within     | abs(cost) ≥ margin | two one-sided t tests (TOST; Schuirmann 1987)    |
| positive   | cost ≤ 0           | one-sided t, against the placebos as well        |
| gain       | cost ≥ 0           | one-sided t, against the placebos as well        |

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

from ..model.bilingual import Bilingual, unit
from ..storage.schema import PARTITION
from .arrays import Floats, by_group, columns, floats
from .decision_rules import DecisionRules
from .margins import Margins
from .placebos import held_against_placebos
from .power import with_mde
from .reasons import REASONS, counted, from_row, say
from .scale import from_cost, metric_of, sign

Row = Mapping[str, Any]
"""An effect, tested: the columns of EFFECTS, q_* and those that `estimates.estimate` adds."""

QUESTIONS = ("overhead", "within", "positive", "gain")


def judge(
    estimates: pl.DataFrame,
    margins: Margins,
    rules: DecisionRules,
    verdict: Callable[[Row, DecisionRules], tuple[str, Bilingual]] | None = None,
) -> pl.DataFrame:
    """Adds `margin`, p_* of each question, q_* (the same corrected within each run), `mde`,
    `verdict`, `reason` and `reason_zh` to the frame of `estimates.estimate`.

    `verdict`: from a tested effect to its verdict and reason; None: `verdict_of`.
    """
    with_p = by_group(estimates, "metric", lambda part: _with_p_values(part, margins))
    held = held_against_placebos(with_p)
    frame = by_group(held, PARTITION, lambda run: with_mde(_with_corrected(run), rules))
    answers = [(verdict or verdict_of)(row, rules) for row in frame.iter_rows(named=True)]
    return frame.with_columns(
        pl.Series("verdict", [name for name, _ in answers], pl.String),
        pl.Series("reason", [reason.en for _, reason in answers], pl.String),
        pl.Series("reason_zh", [reason.zh for _, reason in answers], pl.String),
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


def verdict_of(row: Row, rules: DecisionRules) -> tuple[str, Bilingual]:
    """The verdict of one effect and the reason. `row` has q_* beside the columns of EFFECTS."""
    question, open_reason = answer(row, rules)
    reason = open_reason or _reason(row, question)
    problem = from_row(row["problem"])
    if problem and problem.en not in reason.en:
        reason = say("and", reason=reason, problem=problem)
    return _VERDICTS.get(question, question), reason


_VERDICTS = {
    "overhead": "overhead",
    "within": "no_overhead_within_margin",
    "positive": "overhead_unresolved",
    "gain": "implausible_gain",
}


def answer(row: Row, rules: DecisionRules) -> tuple[str, Bilingual | None]:
    """The first question that is answered yes, in the order of `QUESTIONS`, and None.

    Or ("invalid" | "inconclusive", the reason) where none is, or none can be asked.
    """
    if row["mixed"] or (row["n"] == 0 and row["lost"] == row["planned"]):
        return "invalid", from_row(row["problem"])
    if reason := _not_asked(row):
        return "inconclusive", reason
    for question in QUESTIONS:
        if row[f"q_{question}"] <= rules.test_alpha:
            if _median_disagrees(row, question):
                return "inconclusive", _disagreement(row)
            return question, None
    if _signs_differ(row) and abs(row["estimate"]) > row["margin"]:
        return "inconclusive", _disagreement(row)
    still_open = say(
        "open",
        low=f"{row['ci_low']:+.3g}",
        high=f"{row['ci_high']:+.3g}",
        mde=f"{row['mde']:.2g}",
        unit=unit(row["unit"]),
        counted=_counted(row),
    )
    return "inconclusive", still_open + say("like_placebo") if row["like_placebo"] else still_open


def _not_asked(row: Row) -> Bilingual | None:
    """Why an effect is not tested against the margin; None where it is."""
    if row["n"] == 0:
        return from_row(row["problem"])
    if row["n"] == 1:
        return say("single", counted=_counted(row))
    if row["se_log"] is None:
        return from_row(row["problem"]) or say("no_spread")
    if row["margin"] is None:
        return say("no_margin")
    return None


def _counted(row: Row) -> Bilingual:
    """What n counts: iterations, or nights where the case was measured in several."""
    return counted(row["n"], "night" if (row.get("nights") or 1) > 1 else "iteration")


def _median_disagrees(row: Row, question: str) -> bool:
    """Whether the Hodges–Lehmann estimate does not support the mean's answer."""
    if question == "within":
        return bool(abs(row["hodges_lehmann"]) > row["margin"])
    return _signs_differ(row)


def _signs_differ(row: Row) -> bool:
    return bool(row["estimate"] * row["hodges_lehmann"] < 0)


def _disagreement(row: Row) -> Bilingual:
    return say(
        "disagree",
        mean=f"{row['estimate']:+.3g}",
        median=f"{row['hodges_lehmann']:+.3g}",
        unit=unit(row["unit"]),
    )


def _reason(row: Row, question: str) -> Bilingual:
    """The sentence of a verdict: the texts of the questions have the questions' names."""
    p = say("p", p=f"{row[f'p_{question}']:.2g}", q=f"{row[f'q_{question}']:.2g}")
    margin = say("amount", value=f"{row['margin']:g}", unit=unit(row["unit"]))
    reason = say(question, margin=margin, p=p, causes=REASONS["gain_causes"])
    if question == "within" and row["ci_high"] < 0:  # an established gain, though a small one
        gain = say("amount", value=f"{-row['estimate']:.2g}", unit=unit(row["unit"]))
        reason += say("small_gain", gain=gain, causes=REASONS["gain_causes"])
    return reason


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

    rules: ids of the checks that failed; why: the reason in words, a `reasons.SENTENCE`.
    """
    hit = rules.is_not_null() & (pl.col("verdict") != "invalid")
    return effects.with_columns(
        verdict=pl.when(hit).then(pl.lit("inconclusive")).otherwise("verdict"),
        withheld_by=pl.when(hit).then(rules).otherwise("withheld_by"),
        reason=pl.when(hit).then(_withheld("en", why)).otherwise("reason"),
        reason_zh=pl.when(hit).then(_withheld("zh", why)).otherwise("reason_zh"),
    )


def _withheld(side: str, why: pl.Expr) -> pl.Expr:
    return pl.format(getattr(REASONS["withheld"], side), why.struct.field(side))


_NUMBERS = ("estimate", "ci_low", "ci_high", "estimate_log", "se_log", "df", "hodges_lehmann")
