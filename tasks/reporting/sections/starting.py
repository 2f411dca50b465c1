"""What starting and stopping each tool takes, and what the traffic sees of it."""

import polars as pl

from ...storage.schema import PARTITION
from ..columns import named_columns
from ..document import Cell, ReportColumn, ReportTable, Section
from ..numbers import interval, number, percent
from ..view import View, passed_samples
from .common import EMPTY, ByMetric, by_workload

_PLACE = (*PARTITION, "layer", "case", "workload")
_STARTING = {"tool_ready_s": "s", "tool_start_cpu_s": "s", "tool_start_rss_mib": "MiB",
             "tool_maps_mib": "MiB"}  # fmt: skip
_SEEN = ("latency_p99_us", "gap_max_us")


def section(view: View) -> Section | None:
    """A row for each case under each start workload; None where none was measured."""
    names = [name for name, shape in view.shapes.items() if shape.kind == "start"]
    effects = view.effects.filter(pl.col("workload").is_in(names))
    if effects.is_empty():
        return None
    t = view.t
    rows = by_workload(effects)
    counted = passed_samples(view.bundle, ["tool_ready_s"]).group_by(_PLACE).agg(pl.col("n").sum())
    starts = {tuple(place): n for *place, n in counted.select(*_PLACE, "n").rows()}

    def amount(metric: str) -> ReportColumn:
        def cell(row: ByMetric) -> Cell:
            effect = row.get(metric)
            if effect is None or effect["estimate"] is None:
                return EMPTY
            ends = interval(effect["ci_low"], effect["ci_high"], signed=False)
            return Cell(number(effect["estimate"]), ends, effect["estimate"])

        return ReportColumn(t(f"starts.{metric}"), cell, _STARTING[metric], numeric=True)

    def seen(metric: str) -> ReportColumn:
        def cell(row: ByMetric) -> Cell:
            effect = row.get(metric)
            if effect is None or effect["ci_low"] is None:
                return EMPTY
            ends = interval(effect["ci_low"], effect["ci_high"])
            return Cell(percent(effect["estimate"]), ends, effect["estimate"])

        return ReportColumn(t(f"starts.{metric}"), cell, view.cost_head, numeric=True)

    def without(row: ByMetric) -> Cell:
        level = row.get("gap_max_us", {}).get("baseline_mean")
        return EMPTY if level is None else Cell(number(level / 1000), sort=level)

    def unanswered(row: ByMetric) -> Cell:
        effect = row.get("unanswered_pct")
        if effect is None or effect["estimate"] is None:
            return EMPTY
        ends = interval(effect["ci_low"], effect["ci_high"], signed=False)
        return Cell(number(effect["estimate"]), ends, effect["estimate"])

    columns = [
        *named_columns(t, "case"),
        *(named_columns(t, "environment") if len(view.environments) > 1 else []),
        *named_columns(t, "layer"),
        ReportColumn(
            t("starts.starts"),
            lambda row: Cell(number(starts.get(tuple(row[key] for key in _PLACE)), 0)),
            numeric=True,
        ),
        *map(amount, _STARTING),
        ReportColumn(t("starts.without"), without, "ms", numeric=True),
        *map(seen, _SEEN),
        ReportColumn(t("starts.unanswered"), unanswered, t("load.points"), numeric=True),
    ]
    return Section("starts", t("starts.title"), t("starts.lead"), ReportTable("", columns, rows))
