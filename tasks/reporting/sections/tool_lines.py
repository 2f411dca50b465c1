"""Every tool in every environment: a line with its answer and largest costs; its cases unfold."""

from ..charts.forest import Forest
from ..columns import named_columns
from ..document import Cell, Lines, ReportColumn, ReportTable, Section
from ..view import ToolRow, View
from .cases import Cases
from .common import (
    answer_cell,
    kernel_column,
    lost_text,
    strip_column,
    tool_anchor,
    topic_column,
    verdict_cell,
)


def section(view: View) -> Section | None:
    t = view.t
    if not view.tools:
        return None
    forest = Forest(view)
    tools = sorted(
        view.tools, key=lambda tool: (tool.kind != "tool", tool.tool, tool.layer, tool.environment)
    )
    table = ReportTable(
        t("lines.caption"),
        _columns(view, forest),
        tools,
        style="tools" if len(view.environments) > 1 else "tools alone",
        anchors=[tool_anchor(tool) for tool in tools],
        open=True,
    )
    cases = Cases(view, forest)
    inside = [list(cases.of(tool)) for tool in tools]
    lines = Lines(table, inside, forest.ground)
    return Section("tools", t("lines.title"), t("lines.lead"), lines)


def _columns(view: View, forest: Forest) -> list[ReportColumn]:
    t = view.t

    def name(tool: ToolRow) -> Cell:
        parts = (t.optional(f"tool_class.{tool.tool_class}"), t(f"layer.{tool.layer}"))
        notes = view.findings.of_tool(tool.environment, tool.layer, tool.tool, None)
        sub = " · ".join(filter(None, parts))
        return Cell(tool.tool, sub, sort=tool.tool, mark="name", notes=notes)

    def answer(tool: ToolRow) -> Cell:
        if tool.kind == "tool":
            lost = t("events.lost", share=lost_text(t, *tool.lost))
            return answer_cell(view, tool.usage, lost)
        return verdict_cell(view, tool.verdict)

    def largest(topic: str) -> ReportColumn:
        label = t(f"topic.{topic}")
        return strip_column(view, forest, label, topic, lambda tool: tool.worst.get(topic))

    return [
        ReportColumn(t("head.tool"), name),
        *(named_columns(t, "environment") if len(view.environments) > 1 else []),
        ReportColumn(t("head.answer"), answer),
        *map(largest, ("latency", "throughput", "pps")),
        topic_column(view, "tool_cpu"),
        kernel_column(view),
        topic_column(view, "log"),
    ]
