"""What became of each tool's events: reported, lost, or not to be seen."""

import polars as pl

from ...statistics.delivered import SHARES, mean_share
from ..columns import named_columns, number_column
from ..document import Cell, ReportColumn, ReportTable, Section, text_cell
from ..view import Row, View
from .common import lost_text, workload_column

_COUNTS = {
    "occurred": "occurred", "reported": "reported", "filtered": "filtered", "lost": "lost_column",
    "missed": "missed", "unknown": "unknown",
}  # fmt: skip
_PLACE = ("environment", "layer", "tool", "case", "part", "workload")


def section(view: View) -> Section | None:
    """A row for each case under each workload; None where no account was kept."""
    t, accounts = view.t, view.bundle.completeness
    if accounts.is_empty():
        return None
    why = "reason_zh" if t.lang == "zh" else "reason"
    rows = accounts.group_by(_PLACE).agg(
        pl.col(list(_COUNTS)).median(),
        *map(mean_share, SHARES),
        why=pl.coalesce(why, "reason").drop_nulls().first(),
    )

    def lost(row: Row) -> Cell:
        low, high = row["lost_low_pct"], row["lost_high_pct"]
        return Cell(lost_text(t, low, high), sort=low)

    columns = [
        *named_columns(t, "case"),
        *(named_columns(t, "part") if (rows["part"] != rows["case"]).any() else []),
        *(named_columns(t, "environment") if len(view.environments) > 1 else []),
        *named_columns(t, "layer"),
        workload_column(view),
        *(number_column(t(f"events.{text}"), name, 0) for name, text in _COUNTS.items()),
        ReportColumn(t("events.share_lost"), lost, numeric=True),
        ReportColumn(t("events.why"), lambda row: text_cell(row["why"])),
    ]
    table = ReportTable(t("events.table"), columns, rows.sort(_PLACE).to_dicts())
    return Section("events", t("events.title"), t("events.lead"), table)
