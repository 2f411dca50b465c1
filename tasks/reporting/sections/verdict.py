"""The first page: which tool may run, for how long, where, and why."""

from collections.abc import Iterable

from ..document import Block, Cell, Column, Prose, Section, Table
from ..numbers import DASH
from ..usage import LIMITS, Answer
from ..view import ToolRow, View
from .common import answer_cell, cost_cells, cost_columns, tool_cell, verdict_cell


def section(view: View) -> Section:
    t = view.t
    if not view.measured:
        return Section("verdict", t("verdict_section.title"), (Prose(t("verdict_section.none")),))
    blocks: list[Block] = [Prose(t("verdict_section.lead")), _answers(view), _costs(view)]
    if any(tool.kind == "placebo" for tool in view.tools):
        blocks.append(Prose(t(f"placebo.{_placebo_state(view)}")))
    blocks += [Prose(t("usage.rule")), _limits(view)]
    return Section("verdict", t("verdict_section.title"), blocks)


def _answers(view: View) -> Table:
    """A row for each tool, a column for each environment."""
    t = view.t
    by_tool: dict[tuple[str, str], dict[str, ToolRow]] = {}
    for tool in view.measured:
        by_tool.setdefault((tool.layer, tool.tool), {})[tool.environment] = tool
    rows = []
    for (layer, _), places in sorted(by_tool.items(), key=lambda item: _gravity(item[1].values())):
        first = next(iter(places.values()))
        rows.append(
            [
                tool_cell(view, first),
                Cell(t(f"layer.{layer}"), sort=layer),
                *(
                    answer_cell(view, places[name].usage) if name in places else Cell(DASH)
                    for name in view.environments
                ),
            ]
        )
    columns = [
        Column(t("head.tool")),
        Column(t("head.layer")),
        *(Column(name) for name in view.environments),
    ]
    return Table(t("verdict_section.answers"), columns, rows)


def _gravity(places: Iterable[ToolRow]) -> tuple[int, str]:
    """Tools that may run everywhere come first, undecided ones last, then by name."""
    rows = list(places)
    return max(list(Answer).index(row.usage.answer) for row in rows), rows[0].tool


def _costs(view: View) -> Table:
    """The numbers behind the answers: the largest cost of each tool, with its interval."""
    t = view.t
    columns = [
        Column(t("head.tool")),
        Column(t("head.environment")),
        Column(t("head.layer")),
        Column(t("head.verdict")),
        *cost_columns(view),
    ]
    rows = [
        [
            tool_cell(view, tool),
            Cell(tool.environment, sort=tool.environment),
            Cell(t(f"layer.{tool.layer}"), sort=tool.layer),
            verdict_cell(view, tool.verdict),
            *cost_cells(view, tool),
        ]
        for tool in view.tools
    ]
    return Table(t("verdict_section.costs"), columns, rows, note=t("verdict_section.costs_note"))


def _placebo_state(view: View) -> str:
    verdicts = {tool.verdict for tool in view.tools if tool.kind == "placebo"}
    bad = {"overhead", "overhead_unresolved", "implausible_gain", "withheld"}
    if verdicts & bad:
        return "bad"
    return "clean" if verdicts == {"no_overhead_within_margin"} else "open"


def _limits(view: View) -> Table:
    """The rule's numbers."""
    t = view.t
    bands = (Answer.LONG, Answer.WITH_FILTER, Answer.MINUTES)
    rows = [
        [
            Cell(t(f"topic.{topic}")),
            *(Cell(f"≤ {limit:g}", sort=limit) for limit in limits),
            Cell(t(f"cost_unit.{topic}")),
        ]
        for topic, limits in LIMITS.items()
    ]
    heads = [Column(t(f"answer.{band}"), numeric=True) for band in bands]
    return Table(t("usage.limits"), [Column(t("head.cost")), *heads, Column("")], rows)
