"""The first screen: the answer in a sentence, counts and hosts, each tool in each environment."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ...model.facts import Facts
from ...statistics.usage import BANDS, LIMITS, Answer
from ..document import Cell, Folded, Lead, ReportColumn, ReportTable, Section
from ..numbers import DASH
from ..summary import summary_sentence, summary_table
from ..view import Row, ToolRow, View, settings
from .common import EMPTY, answer_cell, rates_text, reason, tool_anchor, tool_columns
from .environment_rating import placebo_state

_RARE = (Answer.FASTER, Answer.CANNOT_ATTACH)
"""Answers that are counted only where a tool has them."""


def section(view: View) -> Section:
    t = view.t
    title = t("by_count.title" if view.by_count else "verdict_section.title")
    if not view.measured:
        return Section("verdict", title, t("verdict_section.none"))
    placebos = {tool.verdict for tool in view.tools if tool.kind == "placebo"}
    return Section(
        "verdict",
        title,
        t("by_count.meaning") if view.by_count else None,
        Lead(summary_sentence(summary_table(view.bundle), t.lang)),
        _counts(view),
        _matrix(view),
        view.tonight,
        t(f"placebo.{placebo_state(placebos)}") if placebos else None,
        Folded(t("usage.limits"), [t("usage.rule"), _limits(view)]),
    )


def _counts(view: View) -> ReportTable:
    """A row for each environment: its hosts and kernel, and how many tools got which answer."""
    t = view.t
    answers = [
        answer
        for answer in Answer
        if answer not in _RARE or any(tool.usage.answer is answer for tool in view.measured)
    ]
    runs = {run["environment"]: run for run in view.bundle.runs.to_dicts()}

    def name(environment: str) -> Cell:
        return Cell(environment, sort=environment, mark="name")

    def count(answer: Answer) -> ReportColumn:
        def cell(environment: str) -> Cell:
            found = sum(
                (tool.environment, tool.usage.answer) == (environment, answer)
                for tool in view.measured
            )
            mark = f"answer-{answer}{'' if found else ' zero'}"
            return Cell(str(found), sort=found, mark=mark)

        return ReportColumn(t(f"answer.{answer}"), cell)

    columns = [
        ReportColumn(t("head.environment"), name),
        ReportColumn(t("first.hosts"), lambda environment: _hosts(runs[environment])),
        *map(count, answers),
    ]
    return ReportTable("", columns, view.environments, style="counts", open=True)


def _hosts(run: Row) -> Cell:
    """The kernel of the host that runs the tools; below it its CPU and the hosts' names."""
    nodes = [Facts.model_validate(node) for node in (settings(run["facts"]) or {}).values()]
    hosts = [node for node in nodes if node.node.startswith("host")] or nodes
    if not hosts:
        return EMPTY
    server = next((node for node in hosts if node.node.endswith("server")), hosts[0])
    kernel = " · ".join(filter(None, (server.kernel, server.arch)))
    names = sorted({node.hostname for node in hosts if node.hostname})
    return Cell(kernel or DASH, sub=" · ".join(filter(None, (server.cpu.model, ", ".join(names)))))


def _matrix(view: View) -> ReportTable:
    """A row for each tool, a column for each environment.

    Tools that may run everywhere come first, undecided ones last, then by name.
    """
    by_tool: dict[tuple[str, str], list[ToolRow]] = defaultdict(list)
    for tool in view.measured:
        by_tool[tool.layer, tool.tool].append(tool)

    def order(tools: Sequence[ToolRow]) -> tuple[int, int, str]:
        ranks = [tool.usage.answer.rank for tool in tools]
        return max(ranks), sum(ranks), tools[0].tool

    def of_tool(column: ReportColumn) -> ReportColumn:
        return replace(column, cell=lambda tools: column.cell(tools[0]))

    def answer(environment: str) -> ReportColumn:
        def cell(tools: Sequence[ToolRow]) -> Cell:
            here = [tool for tool in tools if tool.environment == environment]
            return _answer(view, here[0]) if here else EMPTY

        return ReportColumn(environment, cell, t("by_count.column") if view.by_count else "")

    t = view.t
    columns = [*map(of_tool, tool_columns(view)), *map(answer, view.environments)]
    items = sorted(by_tool.values(), key=order)
    caption = t("by_count.answers" if view.by_count else "verdict_section.answers")
    found_by = " ".join(view.environments)
    return ReportTable(caption, columns, items, style="matrix", open=True, find=found_by)


def _answer(view: View, tool: ToolRow) -> Cell:
    """The answer over the cost that binds and its limit, linked to the tool's line."""
    why, rates = reason(view, tool.usage, short=True), view.rates(tool)
    if rates is not None:
        why = view.t("load.answer", reason=why, rates=rates_text(view.t, *rates))
    cell = answer_cell(view, tool.usage, why)
    return replace(cell, link=tool_anchor(tool))


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
    return ReportTable("", columns, LIMITS, search=False)
