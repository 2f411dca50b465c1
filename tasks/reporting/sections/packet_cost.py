"""What a packet costs by the load curve and by the tool's programs, and how well the curve predicts
rates that it was not drawn through."""

from dataclasses import dataclass

from ...statistics.load_curve import Curve
from ...statistics.prediction import EMPTY_PROBES, EmptyProbe, Parts, held_out
from ..columns import named_columns
from ..document import Cell, ReportColumn, ReportTable, Section
from ..view import View
from .common import bounds_cell, bounds_column


@dataclass(frozen=True, slots=True)
class _Case:
    environment: str
    layer: str
    case: str
    curve: Curve
    parts: Parts


def section(view: View) -> Section | None:
    """None where no case has both a load curve and counted programs."""
    t = view.t
    empty, parts = view.cost_parts
    rows = [
        _Case(curve.place[0], curve.place[2], curve.place[3], curve, parts[curve.place])
        for curve in view.load_curves
        if curve.slope_ns is not None and curve.place in parts
    ]
    tested = held_out(view.load_curves)
    if not rows and not tested:
        return None
    inside = sum(point.inside for point in tested)
    told = t("prediction.tested", inside=inside, tested=len(tested)) if tested else ""
    return Section(
        "prediction", t("prediction.title"), t("prediction.lead"), told, _costs(view, rows),
        _empty(view, empty) if rows else None,
    )  # fmt: skip


def _costs(view: View, rows: list[_Case]) -> ReportTable:
    """A row for each case: what a packet costs as measured, and as added up."""
    t = view.t

    def lacking(row: _Case) -> Cell:
        if not row.parts.lacking:
            return bounds_cell(row.parts.programs)
        return Cell(t("prediction.lacking", probes=t.listed(row.parts.lacking)))

    columns = [
        *named_columns(t, "case"),
        *(named_columns(t, "environment") if len(view.environments) > 1 else []),
        *named_columns(t, "layer"),
        bounds_column(t("prediction.measured"), lambda row: row.curve.slope_ns, t("load.ns")),
        bounds_column(t("prediction.all"), lambda row: row.parts.all, t("load.ns")),
        ReportColumn(t("prediction.programs"), lacking, t("load.ns"), numeric=True),
        bounds_column(t("prediction.own"), lambda row: row.parts.own, t("load.ns")),
    ]
    return ReportTable(t("prediction.costs"), columns, rows)


def _empty(view: View, empty: list[EmptyProbe]) -> ReportTable:
    """A row for each kind of probe whose empty form is known."""
    t = view.t

    def source(row: EmptyProbe) -> Cell:
        return Cell(t("prediction.by_model" if row.counted_ns is None else "prediction.by_curve"))

    columns = [
        ReportColumn(t("prediction.probe"), lambda row: Cell(row.probe, mark="name")),
        *(named_columns(t, "environment") if len(view.environments) > 1 else []),
        *named_columns(t, "layer"),
        bounds_column(t("prediction.event"), lambda row: row.ns, "ns"),
        ReportColumn(t("prediction.source"), source),
    ]
    return ReportTable(t("prediction.empty", category=EMPTY_PROBES), columns, empty)
