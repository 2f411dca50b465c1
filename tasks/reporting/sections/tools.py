"""The tools: design targets, details tools, protocols, where the cost arises."""

from .. import charts
from ..added_time import AddedTime, added_times
from ..columns import named_columns, number_cell, number_column
from ..design_targets import RESULTS, Target, cost_bands, judge, target
from ..document import Cell, ReportColumn, ReportTable, Section, text_cell
from ..kernel_cost import program_cost
from ..numbers import interval, number, quantity
from ..view import TOPICS, Row, ToolRow, View
from .common import EMPTY, tool_columns, topic_column

TARGETS = {"latency": "latency_mean_us", "tool_cpu": "tool_cpu_pct"}
"""What the design sets targets for: topic -> metric."""


def design(view: View) -> Section | None:
    """Every tool beside what its class was designed to cost, and whether it meets that."""
    t = view.t
    judged = [tool for tool in view.measured if _expectation(tool)]

    def tool_class(tool: ToolRow) -> Cell:
        return Cell(t(f"tool_class.{tool.tool_class}"))

    def expectation(tool: ToolRow) -> Cell:
        result = _expectation(tool)
        return text_cell(t(f"design.{result}"), mark=f"design-{result}")

    columns = [
        *tool_columns(view, "environment", "layer"),
        topic_column(view, "latency"),
        _target_column(view, "latency", "%"),
        topic_column(view, "tool_cpu"),
        _target_column(view, "tool_cpu", t("unit.tool_cpu")),
        ReportColumn(t("design.verdict"), expectation),
    ]
    table = ReportTable("", columns, judged)
    return Section("design", t("design.title"), t("design.lead"), table) if judged else None


def _expectation(tool: ToolRow) -> str | None:
    """The worst result over all its targets; None if its class has none."""
    found = set()
    for topic in TARGETS:
        if designed := _target(tool, topic):
            row = tool.worst.get(topic)
            if row is None or row["withheld"]:
                found.add("unknown")
            else:
                found.add(judge(row["ci_low"], row["ci_high"], designed))
    return min(found, key=RESULTS.index, default=None)


def _target(tool: ToolRow, topic: str) -> Target | None:
    return target(tool.tool_class or "", TARGETS[topic])


def _target_column(view: View, topic: str, unit: str) -> ReportColumn:
    def cell(tool: ToolRow) -> Cell:
        designed = _target(tool, topic)
        if designed is None:
            return EMPTY
        if designed.most is None:
            return Cell(view.t("design.open", typical=f"{designed.typical:g}"))
        return Cell(f"≤ {designed.most:g}")

    return ReportColumn(view.t("design.target"), cell, unit)


def protocols(view: View) -> Section | None:
    """The same tool watching different protocols, which differ in their event density."""
    t = view.t
    rows = view.by_protocol
    watched = ReportColumn(
        t("head.watches"), lambda row: Cell(row.protocol.upper(), sort=row.protocol)
    )
    columns = [
        *named_columns(t, "tool", "environment", "layer"),
        watched,
        *(topic_column(view, topic) for topic in (*TOPICS, "tool_cpu", "log")),
    ]
    table = ReportTable("", columns, rows)
    return Section("protocols", t("protocols.title"), t("protocols.lead"), table) if rows else None


def resources(view: View) -> Section | None:
    """Where the cost arises: kernel time per event, the tool's own CPU."""
    t = view.t
    kernel, cpu = charts.kernel(view), charts.tool_cpu(view)
    if not (kernel or cpu):
        return None
    timed = (t("kernel.lead"), kernel, _kernel_table(view), *_explained(view)) if kernel else ()
    watched = (t("cpu.lead"), cpu) if cpu else ()
    return Section("resources", t("resources.title"), *timed, *watched)


def _explained(view: View) -> tuple[str | ReportTable, ...]:
    """How much of the time added to a packet the BPF programs explain; empty if not measured."""
    t = view.t
    if not (times := added_times(view)):
        return ()

    def measured(item: AddedTime) -> Cell:
        ends = interval(item.low, item.high)
        return Cell(f"{number(item.added, 0, signed=True)} {ends}", sort=item.added)

    def share(item: AddedTime) -> Cell:
        return Cell(number(item.explained_pct, 0), sort=item.explained_pct)

    def residual(item: AddedTime) -> Cell:
        rest, low, high = item.unexplained
        return Cell(f"{number(rest, 0, signed=True)} {interval(low, high)}", sort=rest)

    unit = t("unit.kernel")
    columns = [
        ReportColumn(t("head.case"), lambda item: text_cell(item.effect["case"], mark="name")),
        *(_of_effect(column) for column in named_columns(t, "environment", "layer")),
        ReportColumn(t("added.measured"), measured, unit, numeric=True),
        ReportColumn(t("added.bpf"), lambda item: number_cell(item.bpf, 0), unit, numeric=True),
        ReportColumn(t("added.share"), share, "%", numeric=True),
        ReportColumn(t("added.residual"), residual, unit, numeric=True),
    ]
    return t("added.lead"), ReportTable(t("added.caption"), columns, times)


def _of_effect(column: ReportColumn) -> ReportColumn:
    """The column of an item's effect."""
    return ReportColumn(column.label, lambda item: column.cell(item.effect), column.sub)


def _kernel_table(view: View) -> ReportTable:
    """A row for each BPF program of each tool."""
    t = view.t

    def tool(row: Row) -> Cell:
        tool_class = t.term("tool_class", row["tool_class"])
        return text_cell(row["tool"], mark="name", sub=tool_class)

    def program(row: Row) -> Cell:
        return text_cell(row["name"], mark="name", sub=row["type"] or "")

    def model(row: Row) -> Cell:
        """What the cost model expects of the class."""
        if row["tool_class"] not in (bands := cost_bands()):
            return EMPTY
        low, high = bands[row["tool_class"]]
        return Cell(f"{number(low, 0)}–{number(high, 0)}", sort=high)

    def cpu(row: Row) -> Cell:
        rate = row["packets_per_s"]
        load = t("kernel.load", rate=quantity(rate, "1")) if rate else ""
        return Cell(number(row["cpu_pct"]), load, row["cpu_pct"])

    unit = t("kernel.event_unit")
    columns = [
        ReportColumn(t("head.tool"), tool),
        *named_columns(t, "environment", "layer"),
        ReportColumn(t("kernel.program"), program),
        number_column(t("kernel.events"), "events_per_packet", sub=t("kernel.events_unit")),
        number_column(t("kernel.event"), "ns_per_event", sub=unit),
        ReportColumn(t("kernel.by_model"), model, unit, numeric=True),
        number_column(t("kernel.packet"), "ns_per_packet", sub=t("unit.kernel")),
        number_column(t("kernel.share"), "share_pct", 0, sub="%"),
        ReportColumn(t("kernel.cpu"), cpu, t("unit.tool_cpu"), numeric=True),
        number_column(t("kernel.passes"), "passes", 0),
    ]
    costs = program_cost(view.bundle.bpf_programs, ("tool", "tool_class"))
    ordered = costs.sort(
        "tool", "environment", "layer", "share_pct", descending=[False] * 3 + [True]
    )
    return ReportTable(t("kernel.caption"), columns, ordered.to_dicts())
