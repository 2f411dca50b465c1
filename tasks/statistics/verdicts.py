"""From estimates to verdicts: four questions a effect, judged together, and one answer in words.

| question   | null hypothesis    | test                                             |
|------------|--------------------|--------------------------------------------------|
| overhead   | cost ≤ margin      | one-sided t                                      |
| within     | abs(cost) ≥ margin | two one-sided t tests (TOST; Schuirmann 1987)    |
| positive   | cost ≤ 0           | one-sided t                                      |
| gain       | cost ≥ 0           | one-sided t                                      |

Each question is corrected for the number of effects it is asked of in one environment and run
(Benjamini–Hochberg 1995). Only metrics with a margin are asked; the others keep their interval and
are `inconclusive`, because without a margin no cost is small and none is large.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr
from scipy.stats import false_discovery_control

from ..model.metrics import METRICS
from .margins import Margins
from .rules import Rules
from .scale import Floats, from_cost, sign

QUESTIONS = ("overhead", "within", "positive", "gain")

GAIN_CAUSES = (
    "likely causes: flow-cache warm-up, cores kept awake by the tool, baseline drift, CPU frequency"
)


def judge(estimates: pl.DataFrame, margins: Margins, rules: Rules) -> pl.DataFrame:
    """Adds margin, p-values, `verdict` and `reason` to the frame of `estimates.estimate`."""
    tested = _with_p_values(estimates, margins)
    families = [
        family.with_columns(
            pl.Series(f"q_{question}", adjusted(family, f"p_{question}"), pl.Float64)
            for question in QUESTIONS
        )
        for family in tested.partition_by("environment", "run", maintain_order=True)
    ]
    frame = pl.concat(families) if families else tested
    answers = [verdict(row, rules) for row in frame.iter_rows(named=True)]
    return frame.with_columns(
        pl.Series("verdict", [answer for answer, _ in answers], pl.String),
        pl.Series("reason", [reason for _, reason in answers], pl.String),
    )


def adjusted(family: pl.DataFrame, column: str) -> list[float | None]:
    """Benjamini–Hochberg adjusted p of one question; None where it was not asked."""
    asked = family[column].is_not_null().to_numpy()
    result: list[float | None] = [None] * len(family)
    if asked.any():
        q = false_discovery_control(family[column].drop_nulls().to_numpy())
        for index, value in zip(np.flatnonzero(asked), q, strict=True):
            result[index] = float(value)
    return result


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


def _with_p_values(estimates: pl.DataFrame, margins: Margins) -> pl.DataFrame:
    parts = []
    for part in estimates.partition_by("metric", maintain_order=True):
        metric = METRICS[part["metric"][0]]
        margin = margins.get(metric.name)
        numbers = part.select(
            pl.col("estimate_log", "se_log", "df").cast(pl.Float64).fill_null(np.nan)
        )
        delta, se, df = (numbers[name].to_numpy() for name in numbers.columns)
        low, high = (
            (np.nan, np.nan)
            if margin is None
            else (from_cost(-margin, metric), from_cost(margin, metric))
        )
        found = p_values(sign(metric) * delta, se, df, low, high)
        if margin is None:  # a direction is not asked where no size is
            found |= {name: np.full(len(part), np.nan) for name in ("p_positive", "p_gain")}
        parts.append(
            part.with_columns(
                pl.lit(margin, pl.Float64).alias("margin"),
                *(pl.Series(name, p, pl.Float64).fill_nan(None) for name, p in found.items()),
            )
        )
    return pl.concat(parts)


def verdict(row: Mapping[str, Any], rules: Rules) -> tuple[str, str]:
    """The verdict of one effect and why, in words. `row` has q_* beside the columns of EFFECTS."""
    name, reason = _without_numbers(row) or _with_numbers(row, rules)
    missing = row["problem"]
    if missing and missing not in reason:
        reason = f"{reason}; {missing}"
    return name, reason


def _without_numbers(row: Mapping[str, Any]) -> tuple[str, str] | None:
    """The verdict of an effect that has no interval, or no margin to be held against."""
    if row["mixed"] or (row["n"] == 0 and row["lost"] == row["planned"]):
        return "invalid", row["problem"]
    if row["n"] == 0:
        return "inconclusive", row["problem"]
    if row["n"] == 1:
        return "inconclusive", "1 iteration: no spread known"
    if row["se_log"] is None:
        return "inconclusive", "the differences show no spread: no interval"
    if row["margin"] is None:
        return "inconclusive", "no margin set for this metric: interval only"
    return None


def _with_numbers(row: Mapping[str, Any], rules: Rules) -> tuple[str, str]:
    """The first question answered yes, in the order: above, within, positive, negative."""
    estimate, unit, margin = row["estimate"], row["unit"], row["margin"]
    hodges_lehmann = row["hodges_lehmann"]
    if estimate * hodges_lehmann < 0:
        return "inconclusive", (
            f"mean {estimate:+.3g} and Hodges–Lehmann {hodges_lehmann:+.3g} {unit} "
            "disagree in sign: single iterations decide the mean"
        )

    def yes(question: str) -> bool:
        return bool(row[f"q_{question}"] <= rules.test_alpha)

    if yes("overhead"):
        return "overhead", f"cost is above the margin of {margin:g} {unit}{_q(row, 'overhead')}"
    if yes("within"):
        return "no_overhead_within_margin", (
            f"cost is within ±{margin:g} {unit}{_q(row, 'within')}"
        )
    if yes("positive"):
        return "overhead_unresolved", (
            f"there is a cost{_q(row, 'positive')}, but not known whether it is above the margin "
            f"of {margin:g} {unit}"
        )
    if yes("gain"):
        return "implausible_gain", (
            f"better with the tool than without{_q(row, 'gain')}, which a tool cannot cause; "
            f"{GAIN_CAUSES}"
        )
    return "inconclusive", (
        f"the interval [{row['ci_low']:+.3g}, {row['ci_high']:+.3g}] {unit} leaves it open; "
        f"{row['n']} iterations can see a cost of {row['mde']:.2g} {unit}, not less"
    )


def _q(row: Mapping[str, Any], question: str) -> str:
    return f" (p = {row[f'p_{question}']:.2g}, adjusted {row[f'q_{question}']:.2g})"
