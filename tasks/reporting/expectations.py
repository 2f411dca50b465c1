"""The published design targets and cost model that measured tools are held against."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from ..model.names import CONFIG


@cache
def _read(name: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml.safe_load((CONFIG / name).read_text("utf-8"))
    return document


def target(tool_class: str, metric: str) -> float | None:
    """The largest cost a class was designed for; None where the design names no end."""
    for limit in _read("budgets/published.yaml")["limits"]:
        if (limit["tool_class"], limit["metric"]) == (tool_class, metric):
            found: float | None = limit["max"]
            return found
    return None


def judge(cost_low: float | None, cost_high: float | None, limit: float | None) -> str:
    """`within` or `above` where the whole interval is; `open` otherwise; `no_target`."""
    if limit is None:
        return "no_target"
    if cost_low is None or cost_high is None:
        return "open"
    return "within" if cost_high <= limit else "above" if cost_low > limit else "open"


def cost_bands() -> dict[str, tuple[float, float]]:
    """Tool class -> ns an event by the model, without entry: bpf_stats does not time it."""
    model = _read("cost_model.yaml")
    parts: Mapping[str, tuple[float, float]] = model["part_ns"]
    return {
        tool_class: (
            sum(times[0] * parts[part][0] for part, times in assumed.items()),
            sum(times[1] * parts[part][1] for part, times in assumed.items()),
        )
        for tool_class, assumed in model["assumed_parts"].items()
    }
