"""How the hosts and the tools were monitored: the settings, and what was read from where."""

from typing import Any

import polars as pl

from ..columns import matrix, number_column
from ..document import Cell, ReportColumn, ReportTable, Section
from ..numbers import DASH
from ..view import View, settings
from .common import unit_text

_SETTINGS = (
    "monitor_interval_s", "attribution_s", "attribution_rate", "log_cap_mib", "cooldown_s",
    "max_load_1m", "until_decided", "budget_s",
)  # fmt: skip
"""Of the design, as its fields are called."""


def section(view: View) -> Section | None:
    t = view.t
    title = t("monitoring.title")
    section = Section("monitoring", title, _settings(view), _series(view))
    return section if section.blocks else None


def _settings(view: View) -> ReportTable:
    """A column for each environment; another framework's runs have no settings."""
    t = view.t
    runs = view.bundle.runs.sort("environment")["environment", "design"].rows()
    designs: dict[str, dict[str, Any]] = {name: settings(text) or {} for name, text in runs}
    every = designs.values()
    rows = [
        (t(f"monitoring.settings.{name}"), [_cell(view, design.get(name)) for design in every])
        for name in _SETTINGS
        if any(design.get(name) is not None for design in every)
    ]
    return matrix(t("monitoring.parameters"), [t("head.item"), *designs], rows, numeric=True)


def _cell(view: View, value: Any) -> Cell:
    if isinstance(value, bool):
        return Cell(view.t("monitoring.is_set" if value else "monitoring.not_set"))
    return Cell(DASH if value is None else f"{value:g}" if isinstance(value, float) else str(value))


def _series(view: View) -> ReportTable:
    """Every metric that was read, with its source and how many cells have it."""
    t = view.t
    values = view.bundle.samples.drop_nulls("value")
    rows = (
        values.group_by("metric", "unit", "source")
        .agg(
            pl.struct("environment", "layer", "iteration", "position", "workload", "attempt")
            .n_unique()
            .alias("cells")
        )
        .sort("metric", "source", nulls_last=True)
    )
    columns = [
        ReportColumn(t("head.metric"), lambda row: Cell(row["metric"], mark="name")),
        ReportColumn(t("monitoring.unit"), lambda row: Cell(unit_text(view, row["unit"]))),
        ReportColumn(t("monitoring.source"), lambda row: Cell(row["source"] or DASH)),
        number_column(t("method.cells"), "cells", 0),
    ]
    return ReportTable(t("monitoring.series"), columns, rows.to_dicts())
