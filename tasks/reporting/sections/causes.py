"""What makes the costly tools costly, as far as the measurements show it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...statistics.usage import BANDS, LIMITS, Answer
from ..design_targets import cost_bands
from ..document import Cell, ReportColumn, ReportTable, Section
from ..kernel_cost import program_cost
from ..numbers import number
from ..view import Row, ToolRow, View
from .common import answer_cell, effect_text, tool_columns

OFTEN = 0.5
"""Events per packet from which on a tool runs for about every packet."""

Programs = Mapping[tuple[str, str, str], Sequence[Mapping[str, Any]]]


def section(view: View) -> Section | None:
    """A row for each tool that is not fit for continuous use, with the causes that were seen."""
    t = view.t
    programs = _programs(view)
    costly = [tool for tool in view.measured if tool.usage.answer in BANDS[1:]]
    found = [(tool, causes) for tool in costly if (causes := list(_causes(view, tool, programs)))]
    if not found:
        return None

    def of_tool(column: ReportColumn) -> ReportColumn:
        return ReportColumn(column.label, lambda item: column.cell(item[0]), column.sub)

    columns = [
        *map(of_tool, tool_columns(view, "environment", "layer")),
        ReportColumn(t("head.answer"), lambda item: answer_cell(view, item[0].usage)),
        ReportColumn(t("causes.seen"), lambda item: Cell(t.clauses(item[1]))),
    ]
    return Section("causes", t("causes.title"), t("causes.lead"), ReportTable("", columns, found))


def _programs(view: View) -> Programs:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in program_cost(view.bundle.bpf_programs, ("tool", "tool_class")).to_dicts():
        found.setdefault((row["environment"], row["layer"], row["tool"]), []).append(row)
    return found


def _causes(view: View, tool: ToolRow, programs: Programs) -> Iterator[str]:
    t = view.t
    listed = programs.get((tool.environment, tool.layer, tool.tool), ())
    events = sum(row["events_per_packet"] or 0.0 for row in listed)
    if events >= OFTEN:
        yield t("causes.each_packet", events=number(events), ns=number(tool.kernel_ns, 0))
    band = cost_bands().get(tool.tool_class or "")
    for row in listed:
        if band and row["ns_per_event"] > band[1]:
            name, ns = row["name"] or "BPF", number(row["ns_per_event"], 0)
            yield t("causes.beyond_model", program=name, ns=ns, high=number(band[1], 0))
    for topic in ("tool_cpu", "log"):
        cost = tool.worst.get(topic)
        if cost and not cost["withheld"] and (cost["ci_low"] or 0.0) > LIMITS[topic][0]:
            yield t(f"causes.{topic}", effect=effect_text(view, cost))
    if tool.usage.answer is Answer.WITH_FILTER and tool.usage.reason == "details":
        yield t("causes.tool_class")
