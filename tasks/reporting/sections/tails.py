"""How long scheduled requests wait: with each tool and without, alone and beside a load."""

from collections.abc import Callable

import polars as pl

from ...model.plan import HELD_LOSS_PCT
from ...statistics.load_curve import baseline_loss
from ...storage.schema import PARTITION
from ..columns import named_columns, number_cell
from ..document import Cell, ReportColumn, ReportTable, Section
from ..numbers import interval, percent
from ..view import View
from .common import EMPTY, ByMetric, by_workload, workload_column

_QUANTILES = {"latency_p50_us": "p50", "latency_p99_us": "p99", "latency_p999_us": "p99.9"}


def section(view: View) -> Section | None:
    """A row for each case under each tail workload; None where none was measured."""
    tails = [name for name, shape in view.shapes.items() if shape.kind == "tail"]
    effects = view.effects.filter(pl.col("workload").is_in(tails))
    if effects.is_empty():
        return None
    t = view.t
    rows = by_workload(effects)
    held = _held(view)

    def load(row: ByMetric) -> Cell:
        share = view.shapes[row["workload"]].load_pct
        if share is None:
            return EMPTY
        text = f"{share} %"
        return Cell(text if held(row) else t("load.not_held", share=text), sort=share)

    def cost(metric: str) -> ReportColumn:
        def cell(row: ByMetric) -> Cell:
            effect = row.get(metric)
            if effect is None or effect["ci_low"] is None or not held(row):
                return EMPTY
            ends = interval(effect["ci_low"], effect["ci_high"])
            mark = f"verdict-{effect['verdict']}" if effect["primary"] else ""
            return Cell(percent(effect["estimate"]), ends, effect["estimate"], mark)

        return ReportColumn(_QUANTILES[metric], cell, view.cost_head, numeric=True)

    def without(text: str, metric: str) -> ReportColumn:
        return ReportColumn(
            t(text),
            lambda row: number_cell(row.get(metric, {}).get("baseline_mean")),
            "µs",
            numeric=True,
        )

    columns = [
        *named_columns(t, "case"),
        *(named_columns(t, "environment") if len(view.environments) > 1 else []),
        *named_columns(t, "layer"),
        workload_column(view),
        ReportColumn(t("tails.load"), load, t("load.share"), numeric=True),
        without("tails.without", "latency_p99_us"),
        *map(cost, _QUANTILES),
        without("tails.late", "late_p99_us"),
    ]
    return Section("tails", t("tails.title"), t("tails.lead"), ReportTable("", columns, rows))


def _held(view: View) -> Callable[[ByMetric], bool]:
    """Whether the baselines held the load beside the requests; True without one."""
    lost = baseline_loss(view.bundle.samples, view.bundle.cells)

    def held(row: ByMetric) -> bool:
        if view.shapes[row["workload"]].load_pct is None:
            return True
        place = tuple(row[key] for key in (*PARTITION, "layer", "workload"))
        return lost.get(place, HELD_LOSS_PCT + 1) <= HELD_LOSS_PCT

    return held
