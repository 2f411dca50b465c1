"""The first section: which tool may run where, how, and why."""

from collections import defaultdict
from dataclasses import replace

from ...statistics.usage import BANDS, LIMITS
from ..document import Cell, ReportColumn, ReportTable, Section
from ..view import ToolRow, View
from .common import EMPTY, answer_cell, cost_columns, reason, tool_columns, verdict_cell
from .environment_rating import placebo_state


def section(view: View) -> Section:
    t = view.t
    title = t("verdict_section.title")
    if not view.measured:
        return Section("verdict", title, t("verdict_section.none"))
    placebos = {tool.verdict for tool in view.tools if tool.kind == "placebo"}
    return Section(
        "verdict",
        title,
        t("verdict_section.lead"),
        _answers(view),
        view.tonight,
        _costs(view),
        t(f"placebo.{placebo_state(placebos)}") if placebos else None,
        t("usage.rule"),
        _limits(view),
    )


def _answers(view: View) -> ReportTable:
    """A row for each tool, a column for each environment.

    Tools that may run everywhere come first, undecided ones last, then by name.
    """
    by_tool: dict[tuple[str, str], list[ToolRow]] = defaultdict(list)
    for tool in view.measured:
        by_tool[tool.layer, tool.tool].append(tool)

    def order(tools: list[ToolRow]) -> tuple[int, str]:
        return max(tool.usage.answer.rank for tool in tools), tools[0].tool

    def of_tool(column: ReportColumn) -> ReportColumn:
        return replace(column, cell=lambda tools: column.cell(tools[0]))

    def answer(environment: str) -> ReportColumn:
        def cell(tools: list[ToolRow]) -> Cell:
            usages = [tool.usage for tool in tools if tool.environment == environment]
            return answer_cell(view, usages[0], reason(view, usages[0])) if usages else EMPTY

        return ReportColumn(environment, cell)

    columns = [*map(of_tool, tool_columns(view, "layer")), *map(answer, view.environments)]
    items = sorted(by_tool.values(), key=order)
    return ReportTable(view.t("verdict_section.answers"), columns, items)


def _costs(view: View) -> ReportTable:
    """The numbers behind the answers: the largest cost of each tool, with its interval."""
    t = view.t
    columns = [
        *tool_columns(view, "environment", "layer"),
        ReportColumn(t("head.verdict"), lambda tool: verdict_cell(view, tool.verdict)),
        *cost_columns(view),
    ]
    note = t("verdict_section.costs_note")
    return ReportTable(t("verdict_section.costs"), columns, view.tools, note=note)


def _limits(view: View) -> ReportTable:
    """The largest cost of each band, by topic."""
    t = view.t

    def limit(place: int) -> ReportColumn:
        def cell(topic: str) -> Cell:
            return Cell(f"≤ {LIMITS[topic][place]:g}", sort=LIMITS[topic][place])

        return ReportColumn(t(f"answer.{BANDS[place]}"), cell, numeric=True)

    columns = [
        ReportColumn(t("head.cost"), lambda topic: Cell(t(f"topic.{topic}"))),
        *map(limit, range(3)),
        ReportColumn("", lambda topic: Cell(t(f"cost_unit.{topic}"))),
    ]
    return ReportTable(t("usage.limits"), columns, LIMITS)
