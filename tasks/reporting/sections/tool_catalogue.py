"""What was measured: the tools by category, and each case with its filter and what it took."""

import shlex
from pathlib import PurePosixPath

import polars as pl

from ..columns import named_columns, number_column
from ..document import Cell, ReportColumn, ReportTable, Section, text_cell
from ..view import Row, View, passed_samples

_VALUE = pl.col("value")
_RESOURCES = {
    "tool_cpu_pct": ("cpu_mean", _VALUE.mean()),
    "tool_cpu_peak_pct": ("cpu_max", _VALUE.max()),
    "tool_rss_mib": ("rss", _VALUE.max()),
    "log_mib_per_min": ("log", _VALUE.max()),
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


def cases(view: View) -> Section | None:
    """Every case: the options that limit what the tool sees, and what it took in the windows."""
    t = view.t
    keys = ["environment", "layer", "case"]
    measured = (
        view.bundle.cells.filter(kind="tool")
        .group_by(keys)
        .agg(pl.col("tool", "command").drop_nulls().first())
    )
    values = passed_samples(view.bundle, _RESOURCES).filter(kind="tool").drop_nulls("value")
    for metric, (name, joined) in _RESOURCES.items():
        one = values.filter(metric=metric).group_by(keys).agg(joined.alias(name))
        measured = measured.join(one, on=keys, how="left")
    if measured.is_empty():
        return None

    def options(row: Row) -> Cell:
        return text_cell(options_of(row["tool"], row["command"]), mark="command")

    cpu = t("unit.tool_cpu")
    columns = [
        *named_columns(t, "case", "environment", "layer"),
        ReportColumn(t("cases.filter"), options),
        number_column(t("cases.cpu_mean"), "cpu_mean", sub=cpu),
        number_column(t("cases.cpu_max"), "cpu_max", sub=cpu),
        number_column(t("cases.rss"), "rss", sub="MiB"),
        number_column(t("cases.log"), "log", sub=t("unit.log")),
    ]
    ordered = measured.sort("case", "environment", "layer")
    table = ReportTable("", columns, ordered.to_dicts())
    return Section("cases", t("cases.title"), t("cases.lead"), table)


def options_of(tool: str, command: str | None) -> str:
    """What follows the tool's script in its command: `--l4-protocol tcp`; empty if unknown."""
    try:
        words = shlex.split(command or "")
    except ValueError:  # another framework's command may be cut
        words = (command or "").split()
    for place, word in enumerate(words, start=1):
        if PurePosixPath(word).stem.replace("-", "_") == tool:
            return shlex.join(words[place:])
    return ""
