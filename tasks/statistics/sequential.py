"""When to stop measuring a case: looks at set iterations, each spending its part of the error.

A case stops when all its primary metrics are decided; its time goes to the undecided ones. What it
was decided on stays: later looks do not judge it again. Never stops on the width of an interval.
"""

from collections.abc import Sequence

import polars as pl

from .decision_rules import Rules

GAIN = "implausible_gain"
DECIDED = ("overhead", "no_overhead_within_margin")
"""Verdicts that more iterations are not spent on. An implausible gain is measured afresh first."""

FRESH = 2
"""Iterations after the look at which an effect came out as a gain, that judge it afresh."""

_CASE = ("environment", "run", "layer", "case")
EFFECT = (*_CASE, "workload", "metric")

NO_GAINS = pl.DataFrame(schema={**dict.fromkeys(EFFECT, pl.String()), "since": pl.Int64()})
"""Effects that came out as a gain, and `since`: the first look at which they did."""


def looks_taken(rules: Rules, done: int) -> Sequence[int]:
    """Iterations at which a campaign of `done` iterations was judged.

    Its last iteration always is: where a campaign ends between two looks, its end came from a time
    budget or a person, not from the numbers, and it takes the place of the look that it never got.
    """
    return (*(look for look in rules.looks if look < done), done)


def stopped_at(effects: pl.DataFrame, look: int, afresh: pl.DataFrame = NO_GAINS) -> pl.DataFrame:
    """Cases that stop at this look: _CASE columns and `stopped`, the reason in words.

    A gain is decided where its effect is one of `afresh`: it stayed one when measured again.
    Placebos never stop: they calibrate every iteration.
    """
    primary = effects.filter(pl.col("primary"), pl.col("kind") == "tool")
    marked = primary.join(afresh, on=EFFECT, how="left", maintain_order="left")
    verdict = pl.col("verdict")
    stayed = (verdict == GAIN) & pl.col("since").is_not_null()
    cases = marked.group_by(_CASE, maintain_order=True).agg(
        settled=(verdict.is_in(DECIDED) | stayed).all(), useless=(verdict == "invalid").all()
    )
    words = (
        pl.when("settled")
        .then(pl.lit(f"decided after {look} iterations"))
        .when("useless")
        .then(pl.lit(f"no valid cell in {look} iterations: more would not help"))
    )
    return cases.select(*_CASE, stopped=words).drop_nulls("stopped")


def gains_at(effects: pl.DataFrame, look: int, known: pl.DataFrame) -> pl.DataFrame:
    """`known` and the effects that come out as a gain for the first time at this look."""
    found = effects.filter(pl.col("verdict") == GAIN).select(*EFFECT, since=pl.lit(look, pl.Int64))
    return pl.concat([known, found.join(known, on=EFFECT, how="anti")])


def measured_since(rows: pl.DataFrame, gains: pl.DataFrame) -> pl.DataFrame:
    """`rows` (with EFFECT columns and `iteration`) less what `gains` were first seen in."""
    marked = rows.join(gains, on=EFFECT, how="left", maintain_order="left")
    fresh = pl.col("since").is_null() | (pl.col("iteration") > pl.col("since"))
    return marked.filter(fresh).drop("since")


def told_afresh(effects: pl.DataFrame, afresh: pl.DataFrame) -> pl.DataFrame:
    """Gains whose reason says whether they were measured again."""
    marked = effects.join(afresh, on=EFFECT, how="left", maintain_order="left")
    again = pl.format("{}; again on {} fresh iterations, judged on these alone", "reason", "n")
    unseen = pl.format("{}; not measured afresh", "reason")
    told = pl.when(pl.col("since").is_not_null()).then(again).otherwise(unseen)
    is_gain = pl.col("verdict") == GAIN
    return marked.with_columns(reason=pl.when(is_gain).then(told).otherwise("reason")).drop("since")


def end_reason(rules: Rules, done: int) -> str:
    """Why a case that no look decided is not measured any more."""
    if rules.cap is None:
        return f"fixed design of {done} iterations"
    if done >= rules.cap:
        return f"cap of {rules.cap} iterations reached"
    return f"campaign ended after {done} iterations"
