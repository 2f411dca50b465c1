"""When to stop measuring a case: interim analyses at set iterations, each spending part of alpha.

A case stops once all its primary metrics are decided, which leaves its time to the undecided ones.
Its verdict stays: later analyses do not judge it again. The width of an interval never stops a
case.
"""

from collections.abc import Sequence

import polars as pl

from ..storage.schema import CASE_KEY, EFFECTS
from .decision_rules import DecisionRules

GAIN = "implausible_gain"
DECIDED = ("overhead", "no_overhead_within_margin")
"""Verdicts that end the measurement of a case. An implausible gain is first measured again."""

REMEASURED = 2
"""An effect that came out as a gain is judged again, on the iterations since, from so many on."""

NO_GAINS = pl.DataFrame(schema={**dict.fromkeys(EFFECTS.key, pl.String()), "since": pl.Int64()})
"""Effects that came out as a gain; `since`: the iteration of the first analysis that said so."""


def analyses_taken(rules: DecisionRules, done: int) -> Sequence[int]:
    """Iterations after which a campaign of `done` iterations was analysed.

    The last one always is: where a campaign ends between two analyses, a time budget or a person
    ended it, not the data, and its end takes the place of the analysis that it did not reach.
    """
    return (*(iteration for iteration in rules.analyses if iteration < done), done)


def stopping(
    effects: pl.DataFrame, iteration: int, remeasured: pl.DataFrame = NO_GAINS
) -> pl.DataFrame:
    """Cases that stop after this iteration: CASE_KEY and `stopped`, the reason in words.

    A gain is decided where its effect is one of `remeasured`: measured again, it is still one.
    Placebos never stop: they calibrate every iteration.
    """
    primary = effects.filter(pl.col("primary"), pl.col("kind") == "tool")
    marked = primary.join(remeasured, on=EFFECTS.key, how="left", maintain_order="left")
    verdict = pl.col("verdict")
    still_a_gain = (verdict == GAIN) & pl.col("since").is_not_null()
    cases = marked.group_by(CASE_KEY, maintain_order=True).agg(
        settled=(verdict.is_in(DECIDED) | still_a_gain).all(), useless=(verdict == "invalid").all()
    )
    reason = (
        pl.when("settled")
        .then(pl.lit(f"decided after {iteration} iterations"))
        .when("useless")
        .then(pl.lit(f"no valid cell in {iteration} iterations: more would not help"))
    )
    return cases.select(*CASE_KEY, stopped=reason).drop_nulls("stopped")


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
    again = pl.format("{}; again on {} fresh iterations, judged on these alone", "reason", "n")
    not_again = pl.format("{}; not measured afresh", "reason")
    reason = pl.when(pl.col("since").is_not_null()).then(again).otherwise(not_again)
    is_gain = pl.col("verdict") == GAIN
    return marked.with_columns(reason=pl.when(is_gain).then(reason).otherwise("reason")).drop(
        "since"
    )


def end_reason(rules: DecisionRules, done: int) -> str:
    """Why measuring a case ended that no analysis decided."""
    if rules.cap is None:
        return f"fixed design of {done} iterations"
    if done >= rules.cap:
        return f"cap of {rules.cap} iterations reached"
    return f"campaign ended after {done} iterations"
