"""Every case on every workload: a table for each environment, layer and protocol of the load."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from ..columns import named_columns
from ..document import Block, Bullets, Cell, Heading, ReportColumn, ReportTable, Section
from ..view import Row, ToolRow, View, tool_row
from .common import effect_column, kernel_column, topic_column, verdict_cell, workload_column

SLOTS = (
    ("latency", False),
    ("throughput", False),
    ("throughput", True),
    ("pps", False),
    ("pps", True),
)
"""Columns of the tables: (topic, several streams)."""


def section(view: View) -> Section | None:
    t = view.t
    if view.effects.is_empty():
        return None
    return Section("layers", t("layers.title"), t("layers.lead"), *_environments(view))


def _environments(view: View) -> Iterator[Block]:
    kernel = view.kernel_ns("case")
    for environment in view.environments:
        here = view.effects.filter(environment=environment)
        if here.is_empty():
            continue
        yield Heading(environment)
        if findings := view.findings.of_environment(environment):
            yield Bullets([f"[{f.number}] {view.t.one_of(f.check, 'message')}" for f in findings])
        for layer in here["layer"].unique().sort():
            effects = here.filter(layer=layer)
            for protocol in ("tcp", "udp"):
                caption = view.t(
                    "layers.caption",
                    environment=environment,
                    layer=view.t(f"layer.{layer}"),
                    protocol=protocol.upper(),
                )
                yield ReportTable(caption, _columns(view), _cases(view, effects, protocol, kernel))
            yield _unplaced(view, effects)


def _cases(
    view: View, effects: pl.DataFrame, protocol: str, kernel: Mapping[tuple[str, str, str], float]
) -> Iterator[ToolRow]:
    """The effects of each case on the workloads of one protocol."""
    names = [name for name, shape in view.shapes.items() if shape.protocol == protocol]
    judged = effects.filter(pl.col("workload").is_in(names), pl.col("topic").is_not_null())
    ordered = judged.sort("kind", "tool", "case", descending=[True, False, False])
    for _, group in ordered.group_by("case", maintain_order=True):
        row = tool_row(group.to_dicts())
        yield replace(row, kernel_ns=kernel.get((row.environment, row.layer, row.case)))


def _columns(view: View) -> list[ReportColumn]:
    t = view.t

    def name(row: ToolRow) -> Cell:
        notes = view.findings.of_tool(row.environment, row.layer, row.tool, row.case)
        return Cell(row.case, sort=row.case, mark="name", notes=notes)

    def slot(topic: str, several: bool) -> ReportColumn:
        def effect(row: ToolRow) -> Row | None:
            """The primary effect on the first workload of this shape."""
            for effect in row.effects:
                if effect["primary"] and effect["workload"] in view.in_columns:
                    shape = view.shapes[effect["workload"]]
                    if (shape.kind, shape.streams > 1) == (topic, several):
                        return effect
            return None

        return effect_column(view, t(f"slot.{topic}{'_many' * several}"), effect)

    return [
        ReportColumn(t("head.case"), name),
        *(slot(topic, several) for topic, several in SLOTS),
        topic_column(view, "tool_cpu"),
        kernel_column(view),
        topic_column(view, "log"),
        ReportColumn(
            t("head.verdict"), lambda row: verdict_cell(view, row.verdict, _stopped(view, row))
        ),
    ]


def _stopped(view: View, row: ToolRow) -> str:
    """Why a sequential campaign stopped measuring the case, by the effect that took longest; empty
    in a fixed design."""
    effect = max(row.effects, key=lambda effect: effect["n"] or 0)
    sequential = effect["environment"] in view.sequential
    return view.t.one_of(effect, "stopped") if sequential and effect["stopped"] else ""


def _unplaced(view: View, effects: pl.DataFrame) -> ReportTable:
    """Effects on workloads without a column: a row each."""
    t = view.t
    rows = effects.filter(pl.col("primary"), ~pl.col("workload").is_in(view.in_columns))
    columns = [
        *named_columns(t, "case"),
        workload_column(view),
        effect_column(view, t("head.effect"), lambda row: row),
        ReportColumn(t("head.verdict"), lambda row: verdict_cell(view, row["verdict"])),
    ]
    return ReportTable(t("layers.unplaced"), columns, rows.sort("case", "workload").to_dicts())
