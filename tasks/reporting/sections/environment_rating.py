"""How far each environment's figures can be trusted, and what it is fit for."""

from collections.abc import Callable, Iterator, Sequence

import polars as pl

from ...statistics.usage import LIMITS, Answer
from ..document import Cell, ReportColumn, ReportTable, Section, text_cell
from ..numbers import percent
from ..view import ToolRow, View
from .baseline_levels import STEADY_PCT, UNSTEADY_PCT, baseline_values
from .common import class_name, classes_of, effect_text, grouped

GRADES = ("reliable", "limited", "unreliable")
"""Best first; the worst reason counts."""

_USES = ("latency", "throughput", "pps", "tool_cpu")

Reason = tuple[str, str]
"""Grade and sentence."""

Costliest = Callable[[Sequence[ToolRow], str], ToolRow | None]
_Members = tuple[str, str | None, str, list[ToolRow]]


def section(view: View) -> Section | None:
    t = view.t
    if not view.measured:
        return None
    reasons = {environment: list(_reasons(view, environment)) for environment in view.environments}

    def grade(environment: str) -> Cell:
        worst = max((grade for grade, _ in reasons[environment]), key=GRADES.index)
        return Cell(t(f"rating.{worst}"), sort=GRADES.index(worst), mark=f"rating-{worst}")

    def said(environment: str) -> Cell:
        return Cell(t.clauses(text for _, text in reasons[environment]))

    rated = [
        ReportColumn(t("head.environment"), lambda environment: Cell(environment)),
        ReportColumn(t("rating.grade"), grade),
        ReportColumn(t("rating.reasons"), said),
    ]
    return Section(
        "rating",
        t("rating.title"),
        t("rating.lead"),
        ReportTable("", rated, view.environments),
        t("rating.uses_lead"),
        _uses(view),
    )


def _reasons(view: View, environment: str) -> Iterator[Reason]:
    yield from _steadiness(view, environment)
    yield from _placebo(view, environment)
    yield from _checks(view, environment)
    tools = [tool for tool in view.measured if tool.environment == environment]
    undecided = [tool for tool in tools if tool.usage.answer is Answer.UNDECIDED]
    if tools:
        grade = "limited" if 2 * len(undecided) > len(tools) else "reliable"
        yield grade, view.t("rating.undecided", count=len(undecided), total=len(tools))


def _steadiness(view: View, environment: str) -> Iterator[Reason]:
    """The workload whose baselines spread most."""
    value = pl.col("value")
    levels = baseline_values(view).filter(environment=environment)
    spreads = levels.group_by("layer", "workload").agg(value.std() / value.mean() * 100)
    known = spreads.drop_nulls("value").sort("value", "layer", "workload", descending=True)
    if known.is_empty():
        yield "limited", view.t("rating.no_spread")
        return
    layer, workload, spread = known.row(0)
    grade = "reliable" if spread <= STEADY_PCT else "limited"
    grade = "unreliable" if spread > 2 * UNSTEADY_PCT else grade
    place = f"{view.workload(workload)}, {view.t(f'layer.{layer}')}"
    yield grade, view.t("rating.spread", spread=percent(spread).lstrip("+"), workload=place)


def _placebo(view: View, environment: str) -> Iterator[Reason]:
    verdicts = {
        row.verdict
        for row in view.tools
        if row.kind == "placebo" and row.environment == environment
    }
    state = placebo_state(verdicts) if verdicts else "missing"
    grade = {"clean": "reliable", "bad": "unreliable"}.get(state, "limited")
    yield grade, view.t(f"rating.placebo_{state}")


def _checks(view: View, environment: str) -> Iterator[Reason]:
    findings = view.findings.of_environment(environment)
    for key, grade, found in (
        ("blocking", "unreliable", [f for f in findings if f.blocks]),
        (
            "warning",
            "limited",
            [f for f in findings if f.check["status"] == "failed" and not f.blocks],
        ),
    ):
        if found:
            numbers = ", ".join(str(finding.number) for finding in found)
            yield grade, view.t(f"rating.{key}", count=len(found), numbers=numbers)


def placebo_state(verdicts: set[str]) -> str:
    """`clean`, `open` or `bad`, from the verdicts of all placebos."""
    if verdicts & {"overhead", "overhead_unresolved", "implausible_gain", "withheld"}:
        return "bad"
    return "clean" if verdicts == {"no_overhead_within_margin"} else "open"


def _uses(view: View) -> ReportTable:
    """Of each environment, class and layer what its tools are fit for, and what not."""
    t = view.t
    items = [
        (environment, tool_class, layer, members)
        for environment, tools in grouped(view.measured, lambda tool: tool.environment)
        for tool_class, all_layers in classes_of(tools).items()
        for layer, members in grouped(all_layers, lambda tool: tool.layer)
    ]

    def uses(key: str, costliest: Costliest) -> ReportColumn:
        def cell(item: _Members) -> Cell:
            found = [(topic, tool) for topic in _USES if (tool := costliest(item[3], topic))]
            names = [
                t("rating.use", use=t(f"rating.uses.{topic}"), tool=tool.tool,
                  effect=effect_text(view, tool.worst[topic]))
                for topic, tool in found
            ]  # fmt: skip
            return text_cell(t.clauses(names))

        return ReportColumn(t(f"rating.{key}"), cell)

    columns = [
        ReportColumn(t("head.environment"), lambda item: Cell(item[0], mark="short")),
        ReportColumn(t("head.class"), lambda item: Cell(class_name(view, item[1]), mark="short")),
        ReportColumn(t("head.layer"), lambda item: Cell(t(f"layer.{item[2]}"), mark="short")),
        uses("suitable", _suitable),
        uses("unsuitable", _unsuitable),
    ]
    return ReportTable("", columns, items)


def _suitable(tools: Sequence[ToolRow], topic: str) -> ToolRow | None:
    """The costliest of the tools, if all are cheap."""
    most = {tool.tool: tool.at_most(topic) for tool in tools}
    if any(cost is None or cost > LIMITS[topic][0] for cost in most.values()):
        return None
    return max(tools, key=lambda tool: most[tool.tool] or 0.0)


def _unsuitable(tools: Sequence[ToolRow], topic: str) -> ToolRow | None:
    """The costliest of the tools, if it is shown to be costly."""
    limit = LIMITS[topic][1]
    costly = [tool for tool in tools if tool.at_least(topic) > limit]
    return max(costly, key=lambda tool: tool.at_least(topic), default=None)
