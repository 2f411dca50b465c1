"""The settings by which effects are judged: error level, interim analyses, primary metrics."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import polars as pl

from ..model.metrics import PRIMARY
from ..model.plan import Plan

ANALYSES = (3, 4, 6, 8, 12)
"""Iterations after which a sequential campaign analyses its data."""


def analyses_until(cap: int) -> tuple[int, ...]:
    """The analyses of a campaign of at most `cap` iterations; the last follows its last one."""
    return (*(iteration for iteration in ANALYSES if iteration < cap), cap)


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """How effects are judged. No `analyses`: the fixed design, analysed once, at its end.

    `primary` maps a workload's name to the metric that decides it. `alpha` is the error of the
    whole campaign; each analysis spends an equal part of it (Bonferroni), which keeps repeated
    analyses honest. Intervals are 95 % whatever `alpha` is.
    """

    primary: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    alpha: float = 0.05
    power: float = 0.8
    analyses: tuple[int, ...] = ()

    @property
    def test_alpha(self) -> float:
        """The level of one test in one analysis."""
        return self.alpha / max(1, len(self.analyses))

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
