"""Budgets: what a tool may cost, from a file, and which of its limits are exceeded.

A limit is exceeded where the whole 95 % interval of a cost to which it applies lies above it: a
noisy night does not fail a build. A limit without an upper end (`max: null`) cannot be exceeded.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field, field_validator

from ..model.documents import Written, read_document
from ..model.metrics import METRICS
from ..model.plan import ToolClass
from .verdicts import believed

_SELECTORS = {"tool_class", "tool", "case", "layer", "workload", "environment"}


class Limit(Written):
    """The highest cost of one metric, for the cases that match all selectors given."""

    metric: str
    max: float | None  # in the cost's unit; None: no upper end
    typical_max: float | None = None
    tool_class: ToolClass | None = None
    tool: str | None = None
    case: str | None = None
    layer: str | None = None
    workload: str | None = None
    environment: str | None = None

    @field_validator("metric")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in METRICS:
            raise ValueError(f"unknown metric; expected one of {', '.join(METRICS)}")
        return name

    def is_exceeded_by(self, effect: dict[str, Any]) -> bool:
        """Whether the limit applies to this effect, whose whole interval lies above it."""
        if self.max is None or not effect["ci_low"] > self.max:
            return False
        wanted = self.model_dump(include=_SELECTORS | {"metric"}, exclude_none=True)
        return all(effect[name] == value for name, value in wanted.items())


class Budget(Written):
    """A budget file."""

    name: str
    limits: tuple[Limit, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class BrokenLimit:
    """A limit, and an effect whose cost provably exceeds it."""

    effect: dict[str, Any]
    limit: Limit

    def __str__(self) -> str:
        e = self.effect
        return (
            f"{e['environment']}/{e['layer']} {e['case']} {e['workload']} {e['metric']}: "
            f"{e['estimate']:+.3g} [{e['ci_low']:+.3g}, {e['ci_high']:+.3g}] {e['unit']} "
            f"is above the budget of {self.limit.max:g}"
        )


def read_budget(path: Path) -> Budget:
    """A budget file. Raises `InputError`, or `InputErrors` with every mistake in it."""
    return read_document(path, Budget)


def broken(effects: pl.DataFrame, budget: Budget) -> list[BrokenLimit]:
    """Every limit that a cost provably exceeds, in the order of the effects.

    An effect whose verdict is withheld has no interval here: it proves nothing.
    """
    tools = believed(effects).filter(pl.col("kind") == "tool", pl.col("ci_low").is_not_null())
    return [
        BrokenLimit(effect, limit)
        for effect in tools.iter_rows(named=True)
        for limit in budget.limits
        if limit.is_exceeded_by(effect)
    ]
