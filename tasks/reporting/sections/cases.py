"""What unfolds below a tool: the reason of its answer, each case on each workload, resources."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from ..charts.forest import Forest
from ..columns import named_columns, number_column
from ..document import Block, Bullets, Cell, ReportColumn, ReportTable
from ..view import Row, ToolRow, View, tool_row
from .common import (
    EMPTY,
    effect_cell,
    effect_column,
    reason,
    strip_column,
    verdict_cell,
    workload_column,
)

SLOTS = (
    ("latency", False),
    ("throughput", False),
    ("throughput", True),
    ("pps", False),
    ("pps", True),
)
"""Columns of the cases: (topic, several streams)."""

RESOURCES = {
    "latency_p99_us": "",
    "tool_cpu_pct": "unit.tool_cpu",
    "tool_cpu_peak_pct": "unit.tool_cpu",
    "tool_rss_mib": "unit.mib",
    "tool_rss_peak_mib": "unit.mib",
    "log_mib_per_min": "unit.log",
}
"""Further metrics of a case, shown as far as they were measured: metric -> the text of its unit;
without one it is a change of the metric. Of several workloads the largest is shown."""


class Cases:
    """Makes the blocks of one tool after the other; what all need is prepared once."""

    def __init__(self, view: View, forest: Forest) -> None:
        self._view, self._forest = view, forest
        self._kernel = view.kernel_ns("case")
        self._further = _further(view.effects)

    def of(self, tool: ToolRow) -> Iterator[Block]:
        """The reason, the checks that failed, the tables of the cases."""
        view, t = self._view, self._view.t
        if tool.kind == "tool":
            answer = t(f"answer.{tool.usage.answer}")
            yield t("lines.reason", answer=answer, reason=reason(view, tool.usage))
        found = [f for f in view.findings.all if f.names_tool and _concerns(f.check, tool)]
        if found:
            yield Bullets([f"[{f.number}] {t.one_of(f.check, 'message')}" for f in found])
        for protocol in ("tcp", "udp"):
            yield self._on_workloads(tool, protocol)
        yield self._on_others(tool)
        yield self._resources(tool)

    def _on_workloads(self, tool: ToolRow, protocol: str) -> ReportTable:
        """A row for each case, a column for each workload of one protocol."""
        view, t = self._view, self._view.t
        names = {
            name: view.shapes[name]
            for name in view.in_columns
            if view.shapes[name].protocol == protocol
        }
        rows = [row for row in tool.effects if row["primary"] and row["workload"] in names]
        topics = {(names[row["workload"]].kind, names[row["workload"]].streams > 1) for row in rows}

        def on(topic: str, several: bool) -> ReportColumn:
            def effect(case: ToolRow) -> Row | None:
                for row in case.effects:
                    shape = names[row["workload"]]
                    if (shape.kind, shape.streams > 1) == (topic, several):
                        return row
                return None

            label = t(f"slot.{topic}{'_many' * several}")
            return strip_column(view, self._forest, label, topic, effect, iterations=True)

        columns = [
            ReportColumn(t("head.case"), self._case),
            *(on(*slot) for slot in SLOTS if slot in topics),
            ReportColumn(t("head.verdict"), self._verdict),
        ]
        caption = t("lines.workloads", protocol=protocol.upper())
        return ReportTable(caption, columns, _by_case(rows), search=False, open=True)

    def _on_others(self, tool: ToolRow) -> ReportTable:
        """Effects on workloads without a column: a row each."""
        view, t = self._view, self._view.t
        others = [row for row in tool.effects if row["primary"]]
        rows = [row for row in others if row["workload"] not in view.in_columns]
        columns = [
            *named_columns(t, "case"),
            workload_column(view),
            effect_column(view, t("head.effect"), lambda row: row),
            ReportColumn(t("head.verdict"), lambda row: verdict_cell(view, row["verdict"])),
        ]
        return ReportTable(t("lines.unplaced"), columns, rows, search=False, open=True)

    def _resources(self, tool: ToolRow) -> ReportTable:
        """A row for each case: p99, CPU, memory, kernel time, log."""
        view, t = self._view, self._view.t
        rows = [
            {
                "row": case,
                "kernel": self._kernel.get((case.environment, case.layer, case.case)),
                **self._further[case.environment, case.layer, case.case],
            }
            for case in _by_case(tool.effects)
        ]

        def further(metric: str, unit: str) -> ReportColumn:
            def cell(row: Row) -> Cell:
                return (
                    effect_cell(view, row[metric], in_percent=not unit) if metric in row else EMPTY
                )

            sub = t(unit) if unit else view.cost_head
            return ReportColumn(t(f"resource.{metric}"), cell, sub, numeric=True)

        columns = [
            ReportColumn(t("head.case"), lambda row: self._case(row["row"])),
            *(
                further(metric, unit)
                for metric, unit in RESOURCES.items()
                if any(metric in row for row in rows)
            ),
        ]
        if any(row["kernel"] is not None for row in rows):
            unit = t("unit.kernel")
            columns.append(number_column(t("head.kernel"), "kernel", sub=unit))
        if len(columns) == 1:
            rows = []
        return ReportTable(t("lines.resources"), columns, rows, search=False, open=True)

    def _case(self, case: ToolRow) -> Cell:
        notes = self._view.findings.of_tool(case.environment, case.layer, case.tool, case.case)
        alone = case.case.removeprefix(case.tool).strip("_")
        short = alone if alone and case.kind == "tool" else case.case
        return Cell(short, sort=case.case, mark="name", notes=notes)

    def _verdict(self, case: ToolRow) -> Cell:
        return verdict_cell(self._view, case.verdict, _stopped(self._view, case))


def _by_case(rows: Sequence[Row]) -> list[ToolRow]:
    cases: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        cases[row["case"]].append(row)
    return [tool_row(cases[case]) for case in sorted(cases)]


def _concerns(check: Mapping[str, Any], tool: ToolRow) -> bool:
    """Whether a check names this tool or one of its cases."""
    if check["environment"] != tool.environment or check["layer"] not in (None, tool.layer):
        return False
    cases = {row["case"] for row in tool.effects}
    return check["tool"] == tool.tool or check["case"] in cases


def _further(effects: pl.DataFrame) -> dict[tuple[str, str, str], dict[str, Row]]:
    """(environment, layer, case) -> metric of `RESOURCES` -> the row with the largest estimate."""
    found: dict[tuple[str, str, str], dict[str, Row]] = defaultdict(dict)
    rows = effects.filter(pl.col("metric").is_in(list(RESOURCES))).drop_nulls("estimate")
    for row in rows.sort("estimate").iter_rows(named=True):
        found[row["environment"], row["layer"], row["case"]][row["metric"]] = row
    return found


def _stopped(view: View, case: ToolRow) -> str:
    """Why a sequential campaign stopped measuring the case, by the effect that took longest; empty
    in a fixed design."""
    effect = max(case.effects, key=lambda effect: effect["n"] or 0)
    sequential = effect["environment"] in view.sequential
    return view.t.one_of(effect, "stopped") if sequential and effect["stopped"] else ""
