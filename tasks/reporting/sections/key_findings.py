"""What was found, in sentences. Each is written only where its test holds for the effects."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from operator import itemgetter

from ...statistics.usage import LIMITS
from ..design_targets import cost_bands
from ..kernel_cost import program_cost
from ..numbers import number
from ..view import TOPICS, Row, ToolRow, View
from .common import class_name, classes_of, cost_text, effect_text, grouped, tool_names

MOST = 5
"""Sentences of one kind at the most; those with the largest differences first."""


def of_environment(view: View, environment: str) -> Iterator[str]:
    tools = [tool for tool in view.measured if tool.environment == environment]
    yield from _harmless_topics(view, tools)
    yield from _largest_impacts(view, tools)
    yield from _protocols(view, environment)
    yield from _beyond_the_model(view, environment)


def across_environments(view: View) -> Iterator[str]:
    """Tools that cost more in one environment than in another."""
    for dear, high, cheap, low in _unlike(view.measured):
        yield view.t(
            "findings.environments",
            tool=dear.tool,
            layer=view.t(f"layer.{dear.layer}"),
            dear=dear.environment,
            dear_effect=effect_text(view, high),
            cheap=cheap.environment,
            cheap_effect=cost_text(low),
        )


def _harmless_topics(view: View, tools: Sequence[ToolRow]) -> Iterator[str]:
    """Topics in which no tool's cost can be above the first limit."""
    for layer, group in grouped(tools, lambda tool: tool.layer):
        for topic in TOPICS:
            most, limit = [tool.at_most(topic) for tool in group], LIMITS[topic][0]
            if all(cost is not None and cost <= limit for cost in most):
                yield view.t(
                    f"findings.harmless_{topic}", layer=view.t(f"layer.{layer}"), limit=f"{limit:g}"
                )


def _largest_impacts(view: View, tools: Sequence[ToolRow]) -> Iterator[str]:
    """Of each class the largest proven cost in each topic, where it is above the first limit."""
    for tool_class, members in classes_of(tools).items():
        impacts = []
        for topic in TOPICS:
            worst = max(members, key=lambda tool: tool.at_least(topic))
            if worst.at_least(topic) > LIMITS[topic][0]:
                names, effect = tool_names(view, [worst]), effect_text(view, worst.worst[topic])
                impacts.append(view.t("findings.impact", tool=names, effect=effect))
        if impacts:
            name, listed = class_name(view, tool_class), view.t.clauses(impacts)
            yield view.t("findings.largest", tool_class=name, impacts=listed)


def _protocols(view: View, environment: str) -> Iterator[str]:
    """Tools whose cost depends on the protocol that they watch."""
    rows = [row for row in view.by_protocol if row.environment == environment]
    for dear, high, cheap, low in _unlike(rows):
        yield view.t(
            "findings.protocols",
            tool=dear.tool,
            dear=(dear.protocol or "").upper(),
            dear_effect=effect_text(view, high),
            cheap=(cheap.protocol or "").upper(),
            cheap_effect=cost_text(low),
        )


def _unlike(rows: Sequence[ToolRow]) -> list[tuple[ToolRow, Row, ToolRow, Row]]:
    """Of each tool and layer the two rows whose costs on one workload are furthest apart, dearer
    first, each with that cost; at most `MOST`."""
    found = []
    for _, group in grouped(rows, lambda row: (row.layer, row.tool)):
        costs = [(row, row.worst_by_workload) for row in group]
        pairs = [
            (_apart(of_dear[workload], of_cheap[workload]), workload, dear, cheap)
            for (dear, of_dear), (cheap, of_cheap) in permutations(costs, 2)
            for workload in of_dear.keys() & of_cheap.keys()
        ]
        apart, workload, dear, cheap = max(
            pairs, key=itemgetter(0, 1), default=(0.0, "", group[0], group[0])
        )
        if apart > 0:
            pair = dear.worst_by_workload[workload], cheap.worst_by_workload[workload]
            found.append((apart, (dear, pair[0], cheap, pair[1])))
    return [pair for _, pair in sorted(found, key=itemgetter(0), reverse=True)[:MOST]]


def _beyond_the_model(view: View, environment: str) -> Iterator[str]:
    """BPF programs that take longer than the cost model expects of their class."""
    programs = view.bundle.bpf_programs.filter(environment=environment)
    costs = program_cost(programs, ("tool", "tool_class")).sort("ns_per_event", descending=True)
    bands = cost_bands()
    for row in costs.to_dicts():
        band = bands.get(row["tool_class"])
        if band and row["ns_per_event"] > band[1]:
            yield view.t(
                "findings.beyond_model",
                tool=row["tool"],
                program=row["name"] or "BPF",
                ns=number(row["ns_per_event"], 0),
                high=number(band[1], 0),
            )


def _apart(dear: Row, cheap: Row) -> float:
    """How far the interval of the one lies above that of the other, in first limits of the topic.

    0 where they touch, where either is in doubt, or where the costs differ by less than that limit.
    """
    if dear["withheld"] or cheap["withheld"] or None in (dear["ci_low"], cheap["ci_high"]):
        return 0.0
    limit = LIMITS[dear["topic"]][0]
    differ = dear["ci_low"] > 0 and dear["estimate"] - cheap["estimate"] >= limit
    return max(0.0, (dear["ci_low"] - cheap["ci_high"]) / limit) if differ else 0.0
