"""When to stop measuring a case: looks at set iterations, each spending its part of the error.

A case stops when all its primary metrics are decided; its time goes to the undecided ones. What it
was decided on stays: later looks do not judge it again. Never stops on the width of an interval.
"""

from collections.abc import Sequence

import polars as pl

from .rules import Rules

DECIDED = ("overhead", "no_overhead_within_margin")
"""Verdicts that more iterations are not spent on. An implausible gain is measured on."""

_CASE = ("environment", "run", "layer", "case")


def looks_taken(rules: Rules, done: int) -> Sequence[int]:
    """Iterations at which a campaign of `done` iterations was judged.

    Its last iteration always is: where a campaign ends between two looks, its end came from a time
    budget or a person, not from the numbers, and it takes the place of the look that it never got.
    """
    return (*(look for look in rules.looks if look < done), done)


def stopped_at(effects: pl.DataFrame, look: int) -> pl.DataFrame:
    """Cases that stop at this look: _CASE columns and `stopped`, the reason in words.

    Placebos never stop: they calibrate every iteration.
    """
    primary = effects.filter(pl.col("primary"), pl.col("kind") == "tool")
    verdict = pl.col("verdict")
    cases = primary.group_by(_CASE, maintain_order=True).agg(
        settled=verdict.is_in(DECIDED).all(), useless=(verdict == "invalid").all()
    )
    words = (
        pl.when("settled")
        .then(pl.lit(f"decided after {look} iterations"))
        .when("useless")
        .then(pl.lit(f"no valid cell in {look} iterations: more would not help"))
    )
    return cases.select(*_CASE, stopped=words).drop_nulls("stopped")


def end_reason(rules: Rules, done: int) -> str:
    """Why a case that no look decided is not measured any more."""
    if rules.cap is None:
        return f"fixed design of {done} iterations"
    if done >= rules.cap:
        return f"cap of {rules.cap} iterations reached"
    return f"campaign ended after {done} iterations"
