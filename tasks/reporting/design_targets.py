"""The published design targets and cost model that measured tools are held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from ..model.names import config_file


@cache
def _read(name: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml.safe_load(config_file(name).read_text("utf-8"))
    return document


@dataclass(frozen=True, slots=True)
class Target:
    """The largest cost that a class of tools was designed for.

    `most` is None for a target without an upper bound; `typical` is then the upper end of the
    range that was called typical.
    """

    most: float | None
    typical: float | None


def target(tool_class: str, metric: str) -> Target | None:
    """None if the design has no target for this metric."""
    for limit in _read("budgets/published.yaml")["limits"]:
        if (limit["tool_class"], limit["metric"]) == (tool_class, metric):
            return Target(limit["max"], limit.get("typical_max"))
    return None


RESULTS = ("does_not_meet", "unknown", "mostly_meets", "meets")
"""Worst first; of several targets the worst result counts."""


def judge(cost_low: float | None, cost_high: float | None, designed: Target) -> str:
    """One of `RESULTS`, from the 95 % interval of a cost:

    meets: it ends at or below the target; does_not_meet: it lies entirely above; mostly_meets: it
    crosses the target. A target without an upper bound cannot be missed.
    """
    if cost_low is None or cost_high is None:
        return "unknown"
    if designed.most is None:
        beyond = designed.typical is not None and cost_high > designed.typical
        return "mostly_meets" if beyond else "meets"
    if cost_low > designed.most:
        return "does_not_meet"
    return "meets" if cost_high <= designed.most else "mostly_meets"


def cost_bands() -> dict[str, tuple[float, float]]:
    """Tool class -> ns/event by the model, without the entry, which bpf_stats does not time."""
    model = _read("cost_model.yaml")
    parts: Mapping[str, tuple[float, float]] = model["part_ns"]
    return {
        tool_class: (
            sum(times[0] * parts[part][0] for part, times in assumed.items()),
            sum(times[1] * parts[part][1] for part, times in assumed.items()),
        )
        for tool_class, assumed in model["assumed_parts"].items()
    }


Range = tuple[float, float]


def entry_ns() -> Mapping[str, Range]:
    """Kind of probe -> its dispatch by the model, ns an event."""
    bands: Mapping[str, Range] = _read("cost_model.yaml")["entry_ns"]
    return bands


def cost_parts() -> list[tuple[str, Range, list[Range | None]]]:
    """Parts of the cost model: name, ns, and how often each of `cost_bands`' classes has it in one
    event. The entry, once in each event, is that of each kind of probe."""
    model = _read("cost_model.yaml")
    classes = model["assumed_parts"].values()
    return [
        *((f"entry_{kind}", ns, [None for _ in classes]) for kind, ns in model["entry_ns"].items()),
        *((name, ns, [of.get(name) for of in classes]) for name, ns in model["part_ns"].items()),
    ]
