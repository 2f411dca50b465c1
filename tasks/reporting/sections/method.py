"""What was asked, how it was measured, with the parameters that were really used."""

from typing import Any

import polars as pl

from ..document import Block, Cell, Column, Prose, Section, Table
from ..numbers import DASH, number
from ..view import View, settings


def section(view: View) -> Section:
    t = view.t
    how = {"native": "method.how", "legacy": "method.how_legacy"}
    sources = view.bundle.runs["source"].unique().sort(descending=True).to_list() or ["native"]
    blocks: list[Block] = [Prose(t("method.background"))]
    blocks += [Prose(t(how[source])) for source in sources]
    if view.bundle.runs.height:
        blocks.append(_parameters(view))
    if view.shapes:
        blocks.append(_workloads(view))
    blocks += [Prose(t("method.effect")), Prose(t("method.interval")), _verdicts(view)]
    return Section("method", t("method.title"), blocks)


def _parameters(view: View) -> Table:
    t = view.t
    rows = []
    for run in view.bundle.runs.sort("environment").iter_rows(named=True):
        design: dict[str, Any] = settings(run["design"]) or {}
        here = view.bundle.cells.filter(pl.col("environment") == run["environment"])
        cases = here.filter(pl.col("kind") == "tool").select("layer", "case").n_unique()
        hours = _hours(run)
        rows.append(
            [
                Cell(run["environment"]),
                Cell(number(run["iterations"], 0)),
                Cell(number(cases, 0)),
                Cell(number(run["baseline_every"], 0)),
                Cell(number(design.get("placebos"), 0)),
                Cell(DASH if run["seed"] is None else str(run["seed"])),
                Cell(number(here.height, 0)),
                Cell(DASH if run["started"] is None else f"{run['started']:%Y-%m-%d %H:%M}"),
                Cell(number(hours, 1)),
            ]
        )
    keys = ("iterations", "cases", "baseline_every", "placebos", "seed", "cells", "start", "hours")
    columns = [
        Column(t("head.environment")),
        *(Column(t(f"method.{key}"), numeric=key != "start") for key in keys),
    ]
    return Table(t("method.parameters"), columns, rows)


def _hours(run: dict[str, Any]) -> float | None:
    if run["started"] is None or run["ended"] is None:
        return None
    return float((run["ended"] - run["started"]).total_seconds() / 3600)


def _workloads(view: View) -> Table:
    """The loads as the first run had them; runs of one campaign share them."""
    t = view.t
    listed = next(found for text in view.bundle.runs["workloads"] if (found := settings(text)))
    keys = ("program", "protocol", "streams", "window_s", "warmup_s", "length", "bandwidth")
    rows = [
        [
            Cell(item["name"], mark="name"),
            *(Cell(DASH if item.get(key) is None else _plain(item[key])) for key in keys),
        ]
        for item in listed
    ]
    columns = [Column(t("head.workload")), *(Column(t(f"method.{key}")) for key in keys)]
    return Table(t("method.workloads"), columns, rows, search=False)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _verdicts(view: View) -> Table:
    t = view.t
    names = (
        "no_overhead_within_margin",
        "overhead",
        "overhead_unresolved",
        "implausible_gain",
        "inconclusive",
        "invalid",
        "withheld",
    )
    rows = [
        [Cell(t(f"verdict.{name}"), mark=f"verdict-{name}"), Cell(t(f"verdict_meaning.{name}"))]
        for name in names
    ]
    margins = " · ".join(
        f"{metric} {value:g}" for metric, value in view.bundle.margins.items() if value is not None
    )
    return Table(
        t("method.verdicts"),
        [Column(t("head.verdict")), Column(t("head.meaning"))],
        rows,
        note=t("method.margins", margins=margins or DASH),
    )
