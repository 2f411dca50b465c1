"""The question, the method, and the parameters of the runs."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from ...model.metrics import METRICS, Scale
from ...statistics.joint import MIN_DEGREES
from ...storage.schema import STRATUM
from ..columns import named_columns, number_column
from ..document import Cell, ReportColumn, ReportTable, Section, text_cell
from ..numbers import DASH, duration, number
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
        _drift(view),
        t("method.interval"),
        _verdicts(view),
    )


def _drift(view: View) -> str | None:
    """How the drift was estimated: jointly from all runs of a workload where these leave enough
    degrees of freedom within cases, else between two baselines."""
    strata = view.effects.filter("primary").group_by(STRATUM)
    degrees = strata.agg((pl.col("n") - 1).clip(0).sum())["n"]
    if degrees.is_empty():
        return None
    made = (degrees >= MIN_DEGREES).sum()
    key = "method.adjusted" if made else "method.not_adjusted"
    return view.t(key, need=MIN_DEGREES, most=degrees.max(), count=made, total=degrees.len())


def _parameters(view: View) -> ReportTable:
    """What each environment and layer really ran."""
    t = view.t

    def started(row: Row) -> Cell:
        return text_cell(f"{row['started']:%Y-%m-%d %H:%M}" if row["started"] else None)

    def lasted(row: Row) -> Cell:
        return Cell(duration(row["seconds"]), sort=row["seconds"])

    def seed(row: Row) -> Cell:
        return text_cell(None if row["seed"] is None else str(row["seed"]))

    def iterations(row: Row) -> Cell:
        planned = row["planned"]
        of = t("method.planned", count=planned) if planned not in (None, row["iterations"]) else ""
        return Cell(number(row["iterations"], 0), of, row["iterations"])

    counts = ("cases", "baseline_every", "placebos")
    columns = [
        *named_columns(t, "environment", "layer"),
        ReportColumn(t("method.iterations"), iterations, numeric=True),
        *(number_column(t(f"method.{name}"), name, 0) for name in counts),
        ReportColumn(t("method.seed"), seed, numeric=True),
        number_column(t("method.cells"), "cells", 0),
        ReportColumn(t("method.start"), started),
        ReportColumn(t("method.duration"), lasted, numeric=True),
    ]
    rows = [row for run in view.bundle.runs.to_dicts() for row in _parameters_of(view, run)]
    ordered = sorted(rows, key=lambda row: (row["environment"], row["layer"]))
    return ReportTable(t("method.parameters"), columns, ordered)


def _parameters_of(view: View, run: Row) -> Iterator[dict[str, Any]]:
    """Each layer of the run: its settings, and what follows from its cells."""
    tool, ran = pl.col("kind") == "tool", pl.col("status") != "skipped"
    iteration, case = pl.col("iteration"), pl.col("case")
    layers = view.bundle.cells.filter(environment=run["environment"]).group_by("layer")
    measured = layers.agg(
        iterations=iteration.filter(ran).n_unique(),
        cases=case.filter(tool).n_unique(),
        cells=ran.sum(),
        started=pl.col("started").min(),
        seconds=(pl.col("ended").max() - pl.col("started").min()).dt.total_seconds(),
    )
    placebos = (settings(run["design"]) or {}).get("placebos")
    for layer in measured.to_dicts():
        yield {**run, "planned": run["iterations"], "placebos": placebos, **layer}


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
        f"{metric} {value:g} {_margin_unit(view, metric)}"
        for metric, value in view.bundle.margins.items()
        if value is not None
    )
    note = t("method.margins", margins=margins or DASH)
    return ReportTable(t("method.verdicts"), columns, VERDICTS, note=note)


def _margin_unit(view: View, name: str) -> str:
    """Percent for a ratio, else the metric's own unit."""
    metric = METRICS.get(name)
    if metric is None or metric.scale is Scale.RATIO:
        return "%"
    return view.t("unit.tool_cpu") if metric.unit == "% of one CPU" else metric.unit
