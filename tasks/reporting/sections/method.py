"""The question, the method, and the parameters of the runs."""

from typing import Any

from ..columns import named_columns, number_column
from ..document import Cell, ReportColumn, ReportTable, Section, text_cell
from ..numbers import DASH
from ..view import Row, View, settings

VERDICTS = (
    "no_overhead_within_margin",
    "overhead",
    "overhead_unresolved",
    "implausible_gain",
    "inconclusive",
    "invalid",
    "withheld",
)


def section(view: View) -> Section:
    t = view.t
    how = {"native": "method.how", "legacy": "method.how_legacy"}
    sources = view.bundle.runs["source"].unique().sort(descending=True).to_list() or ["native"]
    return Section(
        "method",
        t("method.title"),
        t("method.background"),
        *(t(how[source]) for source in sources),
        _parameters(view),
        _workloads(view),
        t("method.effect"),
        t("method.interval"),
        _verdicts(view),
    )


def _parameters(view: View) -> ReportTable:
    t = view.t

    def started(row: Row) -> Cell:
        return text_cell(f"{row['started']:%Y-%m-%d %H:%M}" if row["started"] else None)

    def seed(row: Row) -> Cell:
        return text_cell(None if row["seed"] is None else str(row["seed"]))

    counts = ("iterations", "cases", "baseline_every", "placebos")
    columns = [
        *named_columns(t, "environment"),
        *(number_column(t(f"method.{name}"), name, 0) for name in counts),
        ReportColumn(t("method.seed"), seed, numeric=True),
        number_column(t("method.cells"), "cells", 0),
        ReportColumn(t("method.start"), started),
        number_column(t("method.hours"), "hours", 1),
    ]
    runs = [_parameters_of(view, run) for run in view.bundle.runs.sort("environment").to_dicts()]
    return ReportTable(t("method.parameters"), columns, runs)


def _parameters_of(view: View, run: Row) -> dict[str, Any]:
    """The run with what follows from its design, its cells and its times."""
    cells = view.bundle.cells.filter(environment=run["environment"])
    known = run["started"] and run["ended"]
    return {
        **run,
        "cases": cells.filter(kind="tool").select("layer", "case").n_unique(),
        "placebos": (settings(run["design"]) or {}).get("placebos"),
        "cells": cells.height,
        "hours": (run["ended"] - run["started"]).total_seconds() / 3600 if known else None,
    }


def _workloads(view: View) -> ReportTable | None:
    """The loads as the first run had them; runs of one campaign share them."""
    t = view.t
    loads = next(filter(None, map(settings, view.bundle.runs["workloads"])), ())
    keys = ("program", "protocol", "streams", "window_s", "warmup_s", "length", "bandwidth")
    columns = [
        ReportColumn(t("head.workload"), lambda load: Cell(load["name"], mark="name")),
        *(_setting_column(t(f"method.{key}"), key) for key in keys),
    ]
    return ReportTable(t("method.workloads"), columns, loads, search=False)


def _setting_column(label: str, key: str) -> ReportColumn:
    def cell(load: Row) -> Cell:
        value = load.get(key)
        return Cell(
            DASH if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        )

    return ReportColumn(label, cell)


def _verdicts(view: View) -> ReportTable:
    t = view.t
    columns = [
        ReportColumn(
            t("head.verdict"), lambda name: Cell(t(f"verdict.{name}"), mark=f"verdict-{name}")
        ),
        ReportColumn(t("head.meaning"), lambda name: Cell(t(f"verdict_meaning.{name}"))),
    ]
    margins = " · ".join(
        f"{metric} {value:g}" for metric, value in view.bundle.margins.items() if value is not None
    )
    note = t("method.margins", margins=margins or DASH)
    return ReportTable(t("method.verdicts"), columns, VERDICTS, note=note)
