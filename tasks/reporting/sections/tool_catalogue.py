"""What was measured: the tools by category, and each case with its filter and what it took."""

import shlex
from pathlib import PurePosixPath

import polars as pl

from ..columns import named_columns, number_column
from ..document import Cell, ReportColumn, ReportTable, Section, text_cell
from ..numbers import number
from ..view import Row, View, passed_samples
from .common import EMPTY

_RESOURCES = {
    "tool_cpu_pct": ("cpu_mean", pl.Expr.mean),
    "tool_cpu_peak_pct": ("cpu_max", pl.Expr.max),
    "tool_rss_mib": ("rss", pl.Expr.max),
    "log_mib_per_min": ("log", pl.Expr.max),
}
"""Metric -> column, and how the values of all cells of a case become one."""


def tools(view: View) -> Section | None:
    """The tools by category, with the protocols and directions in which they were measured."""
    t = view.t
    cases = view.bundle.cells.filter(kind="tool")
    if cases.is_empty():
        return None

    def listed(name: str) -> pl.Expr:
        return pl.col(name).drop_nulls().unique().sort().str.join(", ")

    rows = (
        cases.group_by("category", "tool", "tool_class", "layer")
        .agg(listed("protocol"), listed("direction"), cases=pl.col("case").n_unique())
        .sort("category", "tool", "layer", nulls_last=True)
    )

    def tool_class(row: Row) -> Cell:
        return text_cell(t.term("tool_class", row["tool_class"]) if row["tool_class"] else None)

    columns = [
        *named_columns(t, "category", "tool"),
        ReportColumn(t("head.class"), tool_class),
        *named_columns(t, "layer", "protocol", "direction"),
        number_column(t("method.cases"), "cases", 0),
    ]
    return Section("catalogue", t("catalogue.title"), ReportTable("", columns, rows.to_dicts()))


def case_resources(view: View) -> Section | None:
    """Every case: the options that limit what the tool sees, and what it took in the windows."""
    t = view.t
    ran = view.bundle.cells.filter(kind="tool")
    if ran.is_empty():
        return None
    rows = ran.group_by("layer", "case").agg(pl.col("tool", "command").drop_nulls().first())
    taken = _taken(view)

    def options(row: Row) -> Cell:
        return text_cell(options_of(row["tool"], row["command"]), mark="command")

    def resources(environment: str) -> ReportColumn:
        def cell(row: Row) -> Cell:
            found = taken.get((environment, row["layer"], row["case"]))
            if found is None:
                return EMPTY
            cpu = " / ".join(number(found[name]) for name in ("cpu_mean", "cpu_max"))
            others = t("case_resources.others", rss=number(found["rss"]), log=number(found["log"]))
            return Cell(cpu, others, sort=found["cpu_mean"])

        return ReportColumn(environment, cell, t("case_resources.cpu"), numeric=True)

    columns = [
        *named_columns(t, "case", "layer"),
        ReportColumn(t("case_resources.filter"), options),
        *map(resources, view.environments),
    ]
    table = ReportTable("", columns, rows.sort("case", "layer").to_dicts())
    return Section("case_resources", t("case_resources.title"), t("case_resources.lead"), table)


def _taken(view: View) -> dict[tuple[str, str, str], Row]:
    """(environment, layer, case) -> the columns of `_RESOURCES`; None where nothing was read."""
    values = passed_samples(view.bundle, _RESOURCES).filter(kind="tool").drop_nulls("value")
    found = values.group_by("environment", "layer", "case").agg(
        joined(pl.col("value").filter(metric=metric)).alias(name)
        for metric, (name, joined) in _RESOURCES.items()
    )
    return {(r["environment"], r["layer"], r["case"]): r for r in found.to_dicts()}


def options_of(tool: str, command: str | None) -> str:
    """What follows the tool's script in its command: `--l4-protocol tcp`; empty if unknown."""
    try:
        words = shlex.split(command or "")
    except ValueError:  # another framework's command may be cut
        words = (command or "").split()
    for place, word in enumerate(words, start=1):
        path = PurePosixPath(word)
        if tool in {n.replace("-", "_").replace(".", "_") for n in (path.stem, path.name)}:
            return shlex.join(words[place:])
    return ""
