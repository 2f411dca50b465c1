"""Tools that run at once: their cost beside the sum of each alone, and the events they lose."""

import polars as pl

from ...statistics.interactions import colliding, losses_together
from ...storage.schema import CASE_KEY
from ..columns import named_columns
from ..document import Cell, ReportColumn, ReportTable, Section, text_cell
from ..numbers import interval, percent
from ..view import Row, View
from .common import EMPTY, answer_cell, lost_text, workload_column


def section(view: View) -> Section | None:
    """None where no tools ran at once."""
    found = view.interactions.filter(primary=True)
    if found.is_empty():
        return None
    t = view.t
    return Section(
        "together", t("together.title"), t("together.lead"), _costs(view, found), _losses(view)
    )


def _costs(view: View, found: pl.DataFrame) -> ReportTable:
    """A row for each set of tools under each workload."""
    t = view.t
    keys = ("environment", "run", "layer", "case", "workload", "metric")
    effects = {tuple(row[key] for key in keys): row for row in view.effects.to_dicts()}
    why = "reason_zh" if t.lang == "zh" else "reason"

    def amount(row: Row) -> Cell:
        if row["estimate"] is None or row["ci_low"] is None:
            return EMPTY
        ends = interval(row["ci_low"], row["ci_high"])
        return Cell(percent(row["estimate"]), ends, sort=row["estimate"])

    def together(row: Row) -> Cell:
        effect = effects.get(tuple(row[key] for key in keys))
        return EMPTY if effect is None else amount(effect)

    def use(row: Row) -> Cell:
        found = view.sets.get(tuple(row[key] for key in CASE_KEY))
        return EMPTY if found is None else answer_cell(view, found.usage)

    collide = colliding(losses_together(view.bundle.completeness))

    def verdict(row: Row) -> Cell:
        parts = collide.get(tuple(row[key] for key in (*CASE_KEY, "workload")))
        more = t("together.colliding", parts=t.listed(parts)) if parts else ""
        return Cell(t(f"together.{row['verdict']}"), more)

    columns = [
        *named_columns(t, "case"),
        ReportColumn(t("head.answer"), use),
        *(named_columns(t, "environment") if len(view.environments) > 1 else []),
        *named_columns(t, "layer"),
        workload_column(view),
        ReportColumn(t("together.cost"), together, view.cost_head, numeric=True),
        ReportColumn(t("together.beyond"), amount, view.cost_head, numeric=True),
        ReportColumn(t("together.verdict"), verdict),
        ReportColumn(t("together.why"), lambda row: text_cell(row[why] or row["reason"])),
    ]
    return ReportTable(t("together.costs"), columns, found.to_dicts())


def _losses(view: View) -> ReportTable:
    """A row for each tool in each set: the events that it lost there and alone."""
    t = view.t

    def lost(suffix: str) -> ReportColumn:
        low, high = (f"lost_{end}_pct{suffix}" for end in ("low", "high"))
        text = "together.lost_alone" if suffix else "together.lost"
        return ReportColumn(
            t(text), lambda row: Cell(lost_text(t, row[low], row[high]), sort=row[low]),
            numeric=True,
        )  # fmt: skip

    columns = [
        *named_columns(t, "part", "case"),
        *(named_columns(t, "environment") if len(view.environments) > 1 else []),
        *named_columns(t, "layer"),
        workload_column(view),
        lost(""),
        lost("_alone"),
    ]
    rows = losses_together(view.bundle.completeness).to_dicts()
    return ReportTable(t("together.losses"), columns, rows)
