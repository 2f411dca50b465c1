"""Every case on every workload: a table for each environment, layer and protocol of the load."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import polars as pl

from ..document import Block, Bullets, Cell, Column, Heading, Prose, Section, Table
from ..findings import Finding
from ..view import Row, View, combined_verdict, kernel_cost, worst_by_topic
from .common import amount_cell, change_cell, change_column, number_cell, verdict_cell

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
    blocks: list[Block] = [Prose(t("layers.lead"))]
    for environment in view.environments:
        here = view.effects.filter(pl.col("environment") == environment)
        if here.is_empty():
            continue
        blocks.append(Heading(environment))
        if findings := view.findings.of_environment(environment):
            blocks.append(Bullets([_sentence(view, finding) for finding in findings]))
        for layer in here["layer"].unique().sort():
            blocks += _layer(view, here.filter(pl.col("layer") == layer), environment, layer)
    return Section("layers", t("layers.title"), blocks)


def _sentence(view: View, finding: Finding) -> str:
    """A check about the whole environment, with its number in the list of checks."""
    return f"[{finding.number}] {view.t.one_of(finding.check, 'message')}"


def _layer(view: View, effects: pl.DataFrame, environment: str, layer: str) -> Iterable[Block]:
    """The tables of one layer, one for each protocol that the load spoke."""
    kernel = {
        row["case"]: row["ns_per_event"]
        for row in kernel_cost(view.bundle.bpf_programs, ("case",)).iter_rows(named=True)
        if (row["environment"], row["layer"]) == (environment, layer)
    }
    shapes = view.shapes
    for protocol in ("tcp", "udp"):
        names = [name for name, shape in shapes.items() if shape.protocol == protocol]
        rows = [
            _row(view, list(group.iter_rows(named=True)), kernel)
            for _, group in effects.filter(
                pl.col("workload").is_in(names), pl.col("topic").is_not_null()
            )
            .sort("kind", "tool", "case", descending=[True, False, False])
            .group_by("case", maintain_order=True)
        ]
        if rows:
            caption = view.t(
                "layers.caption",
                environment=environment,
                layer=view.t(f"layer.{layer}"),
                protocol=protocol.upper(),
            )
            yield Table(caption, _columns(view), rows)
    other = effects.filter(pl.col("primary"), ~pl.col("workload").is_in(list(shapes)))
    if other.height:
        yield _unplaced(view, other)


def _columns(view: View) -> list[Column]:
    t = view.t
    return [
        Column(t("head.case")),
        *(change_column(view, t(f"slot.{topic}{'_many' * many}")) for topic, many in SLOTS),
        Column(t("topic.tool_cpu"), sub=t("unit.tool_cpu"), numeric=True),
        Column(t("head.kernel"), sub=t("unit.kernel"), numeric=True),
        Column(t("topic.log"), sub=t("unit.log"), numeric=True),
        Column(t("head.verdict")),
    ]


def _row(view: View, rows: list[Row], kernel: Mapping[str, float]) -> list[Cell]:
    """One case: its effect in each slot, its resources at their largest."""
    first = rows[0]
    placed: dict[tuple[str, bool], Row] = {}
    for row in rows:
        shape = view.shapes[row["workload"]]
        if row["primary"]:
            placed[shape.kind, shape.streams > 1] = row
    worst = worst_by_topic(rows)
    name = Cell(
        first["case"],
        sort=first["case"],
        mark="name",
        notes=view.findings.of_tool(
            first["environment"], first["layer"], first["tool"], first["case"]
        ),
    )
    return [
        name,
        *(change_cell(view, placed.get(slot)) for slot in SLOTS),
        amount_cell(view, worst.get("tool_cpu")),
        number_cell(kernel.get(first["case"])),
        amount_cell(view, worst.get("log")),
        replace(verdict_cell(view, combined_verdict(rows)), sub=_stopped(view, first)),
    ]


_STOPPED = re.compile(r"(decided|cap|ended|no valid cell)\D*(\d+)")


def _stopped(view: View, row: Row) -> str:
    """Why a sequential campaign measured the case no more; nothing in a fixed design."""
    told = _STOPPED.search(row["stopped"] or "")
    return view.t(f"stopped.{told[1]}", n=told[2]) if told else ""


def _unplaced(view: View, effects: pl.DataFrame) -> Table:
    """Effects of workloads whose settings the run does not tell: a row each."""
    t = view.t
    rows = [
        [
            Cell(row["case"], sort=row["case"], mark="name"),
            Cell(row["workload"], sort=row["workload"]),
            change_cell(view, row),
            verdict_cell(view, row["verdict"]),
        ]
        for row in effects.sort("case", "workload").iter_rows(named=True)
    ]
    heads = [Column(t("head.case")), Column(t("head.workload"))]
    columns = [*heads, change_column(view, t("head.effect")), Column(t("head.verdict"))]
    return Table(t("layers.unplaced"), columns, rows)
