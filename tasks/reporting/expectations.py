"""The published design targets and cost model that measured tools are held against."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from ..model.names import DATASETS


@cache
def _document() -> Mapping[str, Any]:
    path = DATASETS / "reference" / "design_expectations.yaml"
    document: Mapping[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return document


def target(tool_class: str, topic: str) -> float | None:
    """The largest CPU (`tool_cpu`, %) or latency cost (`latency`, %) a class was designed for.

    None where the design names no end.
    """
    key = {"tool_cpu": "cpu_pct", "latency": "latency_pct"}[topic]
    limit: float | None = _document()["tool_classes"][tool_class][key]["max"]
    return limit


def judge(cost_low: float | None, cost_high: float | None, limit: float | None) -> str:
    """`within` or `above` where the whole interval is; `open` otherwise; `no_target`."""
    if limit is None:
        return "no_target"
    if cost_low is None or cost_high is None:
        return "open"
    return "within" if cost_high <= limit else "above" if cost_low > limit else "open"


def cost_bands() -> dict[str, tuple[float, float]]:
    """Kind of work -> ns an event by the model: entry + execution + submission.

    `aggregate`: a probe's entry and one map lookup; `event`: an event for the reader besides;
    `event_stack`: and a stack trace.
    """
    model = _document()["cost_model_ns"]
    entry, execution = model["entry"], model["execution"]
    low = entry["tracepoint"][0] + execution["map_lookup"][0]
    high = entry["kprobe"][1] + execution["map_lookup"][1]
    event, stack = model["submission"]["perf_buffer_event"], execution["stack_trace"]
    return {
        "aggregate": (low, high),
        "event": (low + event[0], high + event[1]),
        "event_stack": (low + event[0] + stack[0], high + event[1] + stack[1]),
    }
