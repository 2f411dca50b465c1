"""Budgets: what a tool may cost, from a file, and which limits are proven to be broken.

A limit is broken where the whole 95 % interval of a cost that it names lies above it: a noisy night
does not fail a build. Where a limit is open upwards (`max: null`), nothing can be above it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..model.errors import InputError, raise_all
from ..model.metrics import METRICS
from ..model.plan import ToolClass
from .verdicts import believed


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(_Written):
    """The highest cost of one metric, for the cases that all given selectors name."""

    metric: str
    max: float | None  # in the cost's unit; None: open upwards
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

    def applies(self, effect: dict[str, Any]) -> bool:
        wanted = self.model_dump(include=set(_SELECTORS), exclude_none=True)
        return effect["metric"] == self.metric and all(
            effect[name] == value for name, value in wanted.items()
        )


_SELECTORS = ("tool_class", "tool", "case", "layer", "workload", "environment")


class Budget(_Written):
    """A budget file."""

    name: str
    limits: tuple[Limit, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Broken:
    """A limit that a cost is proven to be above."""

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
    """A budget file. Raises `InputError` with every mistake in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(str(path), "", error.strerror or "cannot be read", "a file") from error
    return parse_budget(text, str(path))


def parse_budget(text: str, where: str) -> Budget:
    """YAML text as a budget; `where` names the text in errors."""
    try:
        return Budget.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InputError(where, "", "not YAML", "name: …, limits: […]") from error
    except ValidationError as error:
        raise_all(
            [
                InputError(
                    where, ".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, ")
                )
                for e in error.errors()
            ]
        )
        raise


def broken(effects: pl.DataFrame, budget: Budget) -> list[Broken]:
    """Every limit that a cost is proven to be above, in the order of the effects.

    Withheld effects have no interval here: they prove nothing.
    """
    tools = believed(effects).filter(pl.col("kind") == "tool", pl.col("ci_low").is_not_null())
    return [
        Broken(effect, limit)
        for effect in tools.iter_rows(named=True)
        for limit in budget.limits
        if limit.applies(effect) and limit.max is not None and effect["ci_low"] > limit.max
    ]
