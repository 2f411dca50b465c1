"""Budgets: what a tool may cost, from a file, and whether it keeps to it.

The rule, on the 95 % interval of each cost that a limit names:

- **meets**: every interval ends at or below its limit.
- **does_not_meet**: at least one interval lies wholly above its limit.
- **mostly_meets**: neither; some interval reaches above its limit, none is proven to be above.
- **unknown**: a limit of the case has no interval to judge by, and no other limit is broken.

Where the published target is open upwards (`max: null`), nothing can be above it; an interval that
reaches above `typical_max` is shown as mostly_meets. Enforcing (`broken`) acts on what is proven,
so that a noisy night does not fail a build.
"""

from collections.abc import Iterator
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
    """Every limit that a cost is proven to be above, in the order of the effects."""
    return [
        Broken(effect, limit)
        for effect, limit in _pairs(effects, budget)
        if _state(effect, limit) == "does_not_meet"
    ]


def expectations(effects: pl.DataFrame, budget: Budget) -> pl.DataFrame:
    """Each case with a limit: environment, run, layer, case, tool, tool_class, `expectation` (one
    of the words above) and `reason`, the limits that decided it."""
    key = ("environment", "run", "layer", "case", "tool", "tool_class")
    states: dict[tuple[Any, ...], list[tuple[str, str]]] = {}
    for effect, limit in _pairs(effects, budget):
        found = states.setdefault(tuple(effect[name] for name in key), [])
        found.append((_state(effect, limit), _words(effect, limit)))
    rows = []
    for place, judged in states.items():
        worst = min((state for state, _ in judged), key=_ORDER.index)
        reasons = [words for state, words in judged if state == worst]
        rows.append([*place, worst, "; ".join(reasons[:4])])
    return pl.DataFrame(
        rows, schema=dict.fromkeys((*key, "expectation", "reason"), pl.String()), orient="row"
    )


_ORDER = ("does_not_meet", "unknown", "mostly_meets", "meets")


def _pairs(effects: pl.DataFrame, budget: Budget) -> Iterator[tuple[dict[str, Any], Limit]]:
    """Withheld effects have no interval here: they prove nothing."""
    tools = believed(effects).filter(pl.col("kind") == "tool")
    for effect in tools.iter_rows(named=True):
        for limit in budget.limits:
            if limit.applies(effect):
                yield effect, limit


def _state(effect: dict[str, Any], limit: Limit) -> str:
    if effect["ci_low"] is None:
        return "unknown"
    if limit.max is None:
        reaches = limit.typical_max is not None and effect["ci_high"] > limit.typical_max
        return "mostly_meets" if reaches else "meets"
    if effect["ci_low"] > limit.max:
        return "does_not_meet"
    return "meets" if effect["ci_high"] <= limit.max else "mostly_meets"


def _words(effect: dict[str, Any], limit: Limit) -> str:
    bound = limit.max if limit.max is not None else limit.typical_max
    against = "no limit" if bound is None else f"limit {bound:g} {effect['unit']}"
    if effect["ci_low"] is None:
        return f"{effect['workload']} {effect['metric']}: no interval ({against})"
    return (
        f"{effect['workload']} {effect['metric']}: [{effect['ci_low']:+.3g}, "
        f"{effect['ci_high']:+.3g}] {effect['unit']} ({against})"
    )
