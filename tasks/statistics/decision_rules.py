"""The settings an analysis is judged by: error level, looks, which metric decides a workload."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import polars as pl

from ..model.metrics import PRIMARY
from ..model.plan import Workload

LOOKS = (3, 4, 6, 8, 12)
"""Iterations after which a sequential campaign looks at its numbers."""


def looks_until(cap: int) -> tuple[int, ...]:
    """The looks of a campaign of at most `cap` iterations; its last iteration is one."""
    return (*(look for look in LOOKS if look < cap), cap)


@dataclass(frozen=True, slots=True)
class Rules:
    """How effects are judged. `looks` empty is the fixed design: one look, at the end.

    `alpha` is the error of the whole campaign; every look spends an equal part of it (Bonferroni),
    so that looking often stays honest. Intervals are 95 % whatever `alpha` is.
    """

    primary: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    alpha: float = 0.05
    power: float = 0.8
    looks: tuple[int, ...] = ()

    @property
    def test_alpha(self) -> float:
        """The level of one test at one look."""
        return self.alpha / max(1, len(self.looks))

    @property
    def cap(self) -> int | None:
        """The last look's iteration; None in the fixed design."""
        return self.looks[-1] if self.looks else None


def primary_metrics(workloads: Iterable[Workload]) -> dict[str, str]:
    """Workload's name -> the metric that decides it."""
    return _primary((w.name, w.kind, w.protocol) for w in workloads)


def _primary(workloads: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    return {
        name: PRIMARY[kind, protocol]
        for name, kind, protocol in workloads
        if (kind, protocol) in PRIMARY
    }


def rules_of(runs: pl.DataFrame) -> Rules:
    """The rules that these runs (columns of storage.schema.RUNS) are judged by.

    Which metric decides a workload comes from the runs' own settings; runs that were measured until
    decided are judged at the looks that they took.
    """
    designs = [json.loads(text) or {} for text in runs["design"].drop_nulls()]
    listed = [w for text in runs["workloads"].drop_nulls() for w in json.loads(text) or []]
    caps = [design["iterations"] for design in designs if design.get("until_decided")]
    primary = _primary((w["name"], w["kind"], w["protocol"]) for w in listed)
    return Rules(primary=primary, looks=looks_until(max(caps)) if caps else ())
