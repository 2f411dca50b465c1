"""The tools: every effect, each against its design, details by filter, protocols, cost."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from .. import charts
from ..design_targets import WORDS, cost_bands, judge, target
from ..document import Block, Cell, Column, Prose, Section, Table, text_cell
from ..numbers import DASH, number
from ..view import ToolRow, View, kernel_cost, worst_by_topic
from .common import (
    amount_cell,
    answer_cell,
    change_cell,
    change_column,
    cost_cells,
    cost_columns,
    number_cell,
    tool_cell,
)

TARGETS = {"latency": "latency_mean_us", "tool_cpu": "tool_cpu_pct"}
"""What the design sets targets for: topic -> metric."""


def effects(view: View) -> Section | None:
    """Every primary effect with its interval: one chart an environment and layer."""
    drawn = charts.forests(view)
    if not drawn:
        return None
    return Section("effects", view.t("effects.title"), (Prose(view.t("effects.lead")), *drawn))


def design(view: View) -> Section | None:
    """Every tool beside what its class was designed to cost, and whether it keeps to that."""
    t = view.t
    judged = [(tool, _held_against_design(tool)) for tool in view.measured]
    rows = [
        [
            tool_cell(view, tool),
            Cell(t(f"tool_class.{tool.tool_class}")),
            Cell(tool.environment),
            Cell(t(f"layer.{tool.layer}")),
            change_cell(view, tool.worst.get("latency")),
            _designed(view, tool, "latency"),
            amount_cell(view, tool.worst.get("tool_cpu")),
            _designed(view, tool, "tool_cpu"),
            text_cell(t(f"design.{words}"), mark=f"design-{words}"),
        ]
        for tool, words in judged
        if words is not None
    ]
    if not rows:
        return None
    columns = [
        Column(t("head.tool")),
        Column(t("head.class")),
        Column(t("head.environment")),
        Column(t("head.layer")),
        change_column(view, t("topic.latency")),
        Column(t("design.target"), sub="%"),
        Column(t("topic.tool_cpu"), sub=t("unit.tool_cpu"), numeric=True),
        Column(t("design.target"), sub=t("unit.tool_cpu")),
        Column(t("design.verdict")),
    ]
    blocks = (Prose(t("design.lead")), Table("", columns, rows))
    return Section("design", t("design.title"), blocks)


def _held_against_design(tool: ToolRow) -> str | None:
    """The gravest word of all its targets; None where its class has none."""
    found = set()
    for topic, metric in TARGETS.items():
        designed = target(tool.tool_class or "", metric)
        if designed is not None:
            row = tool.worst.get(topic)
            low, high = (None, None) if row is None else (row["ci_low"], row["ci_high"])
            withheld = row is not None and row["withheld"]
            found.add("unknown" if withheld else judge(low, high, designed))
    return min(found, key=WORDS.index, default=None)


def _designed(view: View, tool: ToolRow, topic: str) -> Cell:
    designed = target(tool.tool_class or "", TARGETS[topic])
    if designed is None:
        return Cell(DASH)
    if designed.most is None:
        return Cell(view.t("design.open", typical=f"{designed.typical:g}"))
    return Cell(f"≤ {designed.most:g}")


def details(view: View) -> Section | None:
    """Details tools, filtered beside unfiltered."""
    t = view.t
    tools = [tool for tool in view.measured if (tool.tool_class or "").startswith("details")]
    if not tools:
        return None
    ordered = sorted(tools, key=lambda tool: (tool.tool_class or "", tool.tool, tool.environment))
    rows = [
        [
            tool_cell(view, tool),
            Cell(tool.environment),
            Cell(t(f"layer.{tool.layer}")),
            *cost_cells(view, tool),
            replace(answer_cell(view, tool.usage), sub=""),
        ]
        for tool in ordered
    ]
    columns = [
        Column(t("head.tool")),
        Column(t("head.environment")),
        Column(t("head.layer")),
        *cost_columns(view),
        Column(t("head.answer")),
    ]
    blocks = (Prose(t("details.lead")), Table("", columns, rows))
    return Section("details", t("details.title"), blocks)


def protocols(view: View) -> Section | None:
    """The same tool watching different protocols: how much the density of events matters."""
    t = view.t
    judged = view.effects.filter(
        pl.col("topic").is_not_null(), pl.col("kind") == "tool", pl.col("protocol").is_not_null()
    )
    keys = ("tool", "environment", "layer", "protocol")
    several = judged.group_by("tool").agg(pl.col("protocol").n_unique()).filter(
        pl.col("protocol") > 1
    )  # fmt: skip
    groups = judged.join(several.select("tool"), on="tool").group_by(keys)
    rows = []
    for key, group in sorted(groups, key=lambda item: [str(part) for part in item[0]]):
        tool, environment, layer, protocol = (str(part) for part in key)
        worst = worst_by_topic(group.to_dicts())
        rows.append(
            [
                text_cell(tool, mark="name"),
                Cell(environment, sort=environment),
                Cell(t(f"layer.{layer}"), sort=layer),
                Cell(protocol.upper(), sort=protocol),
                *(
                    change_cell(view, worst.get(topic))
                    for topic in ("throughput", "latency", "pps")
                ),
                amount_cell(view, worst.get("tool_cpu")),
                amount_cell(view, worst.get("log")),
            ]
        )
    if not rows:
        return None
    heads = [Column(t(f"head.{key}")) for key in ("tool", "environment", "layer", "watches")]
    costs = cost_columns(view)
    columns = [*heads, *costs[:4], costs[5]]
    blocks = (Prose(t("protocols.lead")), Table("", columns, rows))
    return Section("protocols", t("protocols.title"), blocks)


def resources(view: View) -> Section | None:
    """Where the cost goes: time in the kernel an event, the tool's own CPU."""
    t = view.t
    blocks: list[Block] = []
    if kernel := _kernel_table(view):
        blocks += [Prose(t("kernel.lead")), *_drawn(charts.kernel(view)), kernel]
    if drawn := charts.tool_cpu(view):
        blocks += [Prose(t("cpu.lead")), drawn]
    return Section("resources", t("resources.title"), blocks) if blocks else None


def _drawn(chart: charts.Chart | None) -> Sequence[Block]:
    return () if chart is None else (chart,)


def _kernel_table(view: View) -> Table | None:
    t = view.t
    frame = kernel_cost(view.bundle.bpf_programs, ("tool", "tool_class"))
    rows = [
        [
            text_cell(row["tool"], mark="name", sub=t.word("tool_class", row["tool_class"])),
            Cell(row["environment"], sort=row["environment"]),
            Cell(t(f"layer.{row['layer']}"), sort=row["layer"]),
            number_cell(row["ns_per_event"]),
            _model_cell(row["tool_class"]),
            number_cell(row["events_per_packet"]),
            number_cell(row["cpu_pct"]),
            number_cell(row["passes"], 0),
        ]
        for row in frame.sort("tool", "environment").iter_rows(named=True)
    ]
    if not rows:
        return None
    heads = [Column(t(f"head.{key}")) for key in ("tool", "environment", "layer")]
    measures = [
        Column(t("head.kernel"), sub=t("unit.kernel"), numeric=True),
        Column(t("kernel.by_model"), sub=t("unit.kernel"), numeric=True),
        Column(t("kernel.events"), sub=t("kernel.events_unit"), numeric=True),
        Column(t("kernel.cpu"), sub=t("unit.tool_cpu"), numeric=True),
        Column(t("kernel.passes"), numeric=True),
    ]
    return Table(t("kernel.caption"), [*heads, *measures], rows)


def _model_cell(tool_class: str | None) -> Cell:
    """What the cost model expects of the class."""
    if tool_class not in (bands := cost_bands()):
        return Cell(DASH)
    low, high = bands[tool_class]
    return Cell(f"{number(low, 0)}–{number(high, 0)}", sort=high)
