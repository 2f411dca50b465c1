"""Budgets: what a tool may cost, from a file, and how measured costs stand against its limits.

A cost is above a limit where its whole 95 % interval lies above it: a noisy night does not fail a
build. It is within the limit where the whole interval does not exceed it, and undecided otherwise.
A limit without an upper end (`max: null`) cannot be exceeded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import Field, field_validator

from ..model.documents import Written, read_document
from ..model.environment import Layer
from ..model.errors import InputError, one_of, raise_all
from ..model.metrics import METRICS
from ..model.plan import ToolClass
from .verdicts import believed

_NAMED = ("tool", "case", "workload", "environment")
"""Selectors by a name, which may be misspelt; the others have a fixed set of values."""

_SELECTORS = {*_NAMED, "tool_class", "layer"}

State = Literal["within", "above", "undecided"]
_IN_WORDS = {"within": "within", "above": "above", "undecided": "not proven within"}


class Limit(Written):
    """The highest cost of one metric, for the cases that match all selectors given."""

    metric: str
    max: float | None = Field(allow_inf_nan=False)  # in the cost's unit; None: no upper end
    typical_max: float | None = None
    tool_class: ToolClass | None = None
    tool: str | None = None
    case: str | None = None
    layer: Layer | None = None
    workload: str | None = None
    environment: str | None = None

    @field_validator("metric")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in METRICS:
            raise ValueError(f"unknown metric; expected one of {', '.join(METRICS)}")
        return name

    @property
    def title(self) -> str:
        """`summary latency_mean_us <= 5`."""
        chosen = self.model_dump(include=_SELECTORS, exclude_none=True).values()
        most = "no limit" if self.max is None else f"<= {self.max:g}"
        return " ".join([*map(str, chosen), self.metric, most])

    def applies_to(self, effect: dict[str, Any]) -> bool:
        wanted = self.model_dump(include=_SELECTORS | {"metric"}, exclude_none=True)
        return all(effect[name] == value for name, value in wanted.items())


class Budget(Written):
    """A budget file."""

    name: str
    limits: tuple[Limit, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class HeldLimit:
    """A limit with an upper end, and an effect to which it applies."""

    effect: dict[str, Any]
    limit: Limit

    @property
    def state(self) -> State:
        most, low, high = self.limit.max, self.effect["ci_low"], self.effect["ci_high"]
        if low is None or most is None:
            return "undecided"
        return "above" if low > most else "within" if high <= most else "undecided"

    def __str__(self) -> str:
        e, cost = self.effect, "no interval"
        if e["ci_low"] is not None:
            cost = f"{e['estimate']:+.3g} [{e['ci_low']:+.3g}, {e['ci_high']:+.3g}] {e['unit']}"
        return (
            f"{e['environment']}/{e['layer']} {e['case']} {e['workload']} {e['metric']}: "
            f"{cost} is {_IN_WORDS[self.state]} the budget of {self.limit.max:g}"
        )


def read_budget(path: Path) -> Budget:
    """A budget file. Raises `InputError`, or `InputErrors` with every mistake in it."""
    return read_document(path, Budget)


def hold(effects: pl.DataFrame, budget: Budget, file: str = "") -> list[HeldLimit]:
    """Every limit with an upper end beside every tool's effect to which it applies, in the order of
    the effects. An effect whose verdict is withheld has no interval here: it proves nothing.

    Raises InputErrors for limits that name a tool, case, workload or environment which `effects`
    does not have: a misspelt name must not pass as a kept budget.
    """
    tools = believed(effects).filter(pl.col("kind") == "tool")
    raise_all(list(_unknown_names(tools, budget, file)))
    return [
        HeldLimit(effect, limit)
        for effect in tools.iter_rows(named=True)
        for limit in budget.limits
        if limit.max is not None and limit.applies_to(effect)
    ]


def _unknown_names(tools: pl.DataFrame, budget: Budget, file: str) -> Iterator[InputError]:
    for index, limit in enumerate(budget.limits):
        for name in _NAMED:
            wanted, known = getattr(limit, name), tools[name].unique().sort().to_list()
            if wanted is not None and wanted not in known:
                yield InputError(
                    file, f"limits[{index}].{name}", f"{wanted!r} was not measured",
                    one_of(known, wanted),
                )  # fmt: skip
