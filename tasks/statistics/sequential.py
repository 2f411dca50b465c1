"""When to stop measuring: interim analyses at set iterations, each spending part of alpha.

A case stops running a workload once its primary metric there is decided, which leaves its time to
what is undecided. The verdict stays: later analyses do not judge it again. The width of an interval
never stops a workload.
"""

import polars as pl

from ..model.bilingual import Bilingual
from ..storage.schema import CASE_KEY, EFFECTS
from .decision_rules import DecisionRules
from .reasons import REASONS, say

GAIN = "implausible_gain"
DECIDED = ("overhead", "no_overhead_within_margin")
"""Verdicts that end a measurement. An implausible gain is first measured again."""

UNIT = (*CASE_KEY, "workload")
"""What is measured until it is decided: a case under one workload."""

REMEASURED = 3
"""An effect that came out as a gain is judged again, on the iterations since, from so many on."""

NO_GAINS = pl.DataFrame(schema={**dict.fromkeys(EFFECTS.key, pl.String()), "since": pl.Int64()})
"""Effects that came out as a gain; `since`: the iteration of the first analysis that said so."""


def stopping(
    effects: pl.DataFrame, iteration: int, remeasured: pl.DataFrame = NO_GAINS
) -> pl.DataFrame:
    """What stops after this iteration: UNIT, `stopped` and `stopped_zh`, the reason in words.

    A gain is decided where its effect is one of `remeasured`: measured again, it is still one.
    Placebos never stop: they calibrate every iteration.
    """
    primary = effects.filter(pl.col("primary"), pl.col("kind") == "tool")
    marked = primary.join(remeasured, on=EFFECTS.key, how="left", maintain_order="left")
    verdict = pl.col("verdict")
    still_a_gain = (verdict == GAIN) & pl.col("since").is_not_null()
    units = marked.group_by(UNIT, maintain_order=True).agg(
        settled=(verdict.is_in(DECIDED) | still_a_gain).all(), useless=(verdict == "invalid").all()
    )
    decided, useless = say("decided", n=iteration), say("useless", n=iteration)

    def reason(side: str) -> pl.Expr:
        return (
            pl.when("settled")
            .then(pl.lit(getattr(decided, side)))
            .when("useless")
            .then(pl.lit(getattr(useless, side)))
        )

    stops = units.select(*UNIT, stopped=reason("en"), stopped_zh=reason("zh"))
    return stops.drop_nulls("stopped")


def gains_so_far(effects: pl.DataFrame, iteration: int, known: pl.DataFrame) -> pl.DataFrame:
    """`known` and the effects that come out as a gain for the first time after this iteration."""
    since = pl.lit(iteration, pl.Int64)
    gains = effects.filter(pl.col("verdict") == GAIN).select(*EFFECTS.key, since=since)
    return pl.concat([known, gains.join(known, on=EFFECTS.key, how="anti")])


def measured_since(rows: pl.DataFrame, gains: pl.DataFrame) -> pl.DataFrame:
    """`rows` (with the key of EFFECTS and `iteration`) without those that first showed a gain."""
    marked = rows.join(gains, on=EFFECTS.key, how="left", maintain_order="left")
    fresh = pl.col("since").is_null() | (pl.col("iteration") > pl.col("since"))
    return marked.filter(fresh).drop("since")


def with_remeasurement(effects: pl.DataFrame, remeasured: pl.DataFrame) -> pl.DataFrame:
    """`effects`; the reason of a gain says whether it was measured again."""
    marked = effects.join(remeasured, on=EFFECTS.key, how="left", maintain_order="left")
    is_gain, since = pl.col("verdict") == GAIN, pl.col("since")

    def reason(column: str, side: str) -> pl.Expr:
        again, not_again = (getattr(REASONS[key], side) for key in ("again", "not_again"))
        return (
            pl.when(is_gain & since.is_not_null())
            .then(pl.format(again, column, "n"))
            .when(is_gain)
            .then(pl.format(not_again, column))
            .otherwise(column)
        )

    return marked.with_columns(
        reason=reason("reason", "en"), reason_zh=reason("reason_zh", "zh")
    ).drop("since")


def end_reason(rules: DecisionRules, done: int) -> Bilingual:
    """Why measuring ended what no analysis decided."""
    if rules.cap is None:
        return say("fixed", n=done)
    if done >= rules.cap:
        return say("cap", n=rules.cap)
    return say("ended", n=done)
