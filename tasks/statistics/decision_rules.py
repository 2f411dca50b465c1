"""The settings by which effects are judged: error level, interim analyses, primary metrics."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import polars as pl

from ..model.metrics import PRIMARY
from ..model.plan import Plan
from .spending import levels

ANALYSES = (3, 4, 5, 6, 8, 10, 12)
"""Iterations after which a sequential campaign analyses its data."""


def analyses_until(cap: int) -> tuple[int, ...]:
    """The analyses of a campaign of at most `cap` iterations; the last follows its last one."""
    return (*(iteration for iteration in ANALYSES if iteration < cap), cap)


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """How effects are judged. No `analyses`: the fixed design, analysed once, at its end.

    `primary` maps a workload's name to the metric that decides it. `alpha` is the error of the
    whole campaign, of which each analysis spends a part (`spending`). `look`: the analysis that is
    judged, by its number of iterations; None: the last one.
    """

    primary: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    alpha: float = 0.05
    power: float = 0.8
    analyses: tuple[int, ...] = ()
    look: int | None = None

    def at(self, look: int) -> "DecisionRules":
        """The rules of the analysis after so many iterations."""
        return replace(self, look=look)

    def taken(self, done: int) -> tuple[int, ...]:
        """Iterations after which a campaign of `done` iterations was analysed.

        The last one always is: where a campaign ends between two analyses, a time budget or a
        person ended it, not the data, and its end takes the place of the analysis that it did not
        reach.
        """
        return (*(iteration for iteration in self.analyses if iteration < done), done)

    @property
    def test_alpha(self) -> float:
        """The level of one test in this analysis."""
        if self.cap is None:
            return self.alpha
        looks = self.taken(min(self.look or self.cap, self.cap))
        return levels(self.alpha, tuple(look / self.cap for look in looks))[-1]

    @property
    def interval_tail(self) -> float:
        """The error at each end of an interval: 2.5 %, or less where a test of this analysis has
        less, so that a verdict never contradicts its interval and looking early narrows none."""
        return min(0.025, self.test_alpha)

    @property
    def cap(self) -> int | None:
        """The iteration of the last analysis; None in the fixed design."""
        return self.analyses[-1] if self.analyses else None

    def is_primary(self) -> pl.Expr:
        """Whether a row's `metric` decides its `workload`."""
        primary = dict(self.primary)
        decides = pl.col("workload").replace_strict(primary, default=None, return_dtype=pl.String)
        return (pl.col("metric") == decides).fill_null(False)


def rules_for(plan: Plan) -> DecisionRules:
    """The rules by which this plan's results are to be judged."""
    primary = _primary((w.name, w.kind, w.protocol) for w in plan.workloads)
    analyses = analyses_until(plan.design.iterations) if plan.design.until_decided else ()
    return DecisionRules(primary, analyses=analyses)


def rules_of(runs: pl.DataFrame) -> DecisionRules:
    """The rules by which these runs (columns of storage.schema.RUNS) are judged.

    Runs measured until decided are judged at the analyses that they took, other runs once.
    """
    designs = [json.loads(text) or {} for text in runs["design"].drop_nulls()]
    workloads = [w for text in runs["workloads"].drop_nulls() for w in json.loads(text) or []]
    caps = [design["iterations"] for design in designs if design.get("until_decided")]
    primary = _primary((w["name"], w["kind"], w["protocol"]) for w in workloads)
    return DecisionRules(primary, analyses=analyses_until(max(caps)) if caps else ())


def _primary(workloads: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Name -> primary metric, of (name, kind, protocol) that have one."""
    return {
        name: PRIMARY[kind, protocol]
        for name, kind, protocol in workloads
        if (kind, protocol) in PRIMARY
    }
