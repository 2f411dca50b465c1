"""How much traffic each tool may see: what it costs at several packet rates."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ...statistics.load_curve import Curve, Point
from .. import charts
from ..document import Cell, ReportColumn, ReportTable, Section
from ..numbers import interval, percent, quantity
from ..view import View
from .common import EMPTY, bounds_column, rates_text


@dataclass(frozen=True, slots=True)
class _AtRate:
    curve: Curve
    point: Point


def section(view: View) -> Section | None:
    """None where no load workload was measured."""
    if not view.load_curves:
        return None
    t = view.t
    return Section(
        "load", t("load.title"), t("load.lead"), charts.rates(view), _summary(view), _points(view)
    )


def _summary(view: View) -> ReportTable:
    """A row for each case: up to which rate it is safe, and its CPU as a line."""
    t = view.t

    def safe(curve: Curve) -> Cell:
        if curve.kind != "tool":
            return EMPTY
        return Cell(rates_text(t, curve.safe_pps, curve.too_much_pps), sort=curve.safe_pps)

    columns = [
        *_names(view, lambda curve: curve),
        ReportColumn(t("load.safe"), safe),
        bounds_column(t("load.slope"), lambda curve: curve.slope_ns, t("load.ns")),
        bounds_column(t("load.idle"), lambda curve: curve.idle_pct, t("unit.tool_cpu")),
    ]
    return ReportTable(t("load.summary"), columns, view.load_curves)


def _points(view: View) -> ReportTable:
    """A row for each case at each rate."""
    t = view.t
    rows = [_AtRate(curve, point) for curve in view.load_curves for point in curve.points]

    def rate(row: _AtRate) -> Cell:
        share = f"{row.point.load_pct} %"
        held = share if row.point.held else t("load.not_held", share=share)
        pps = row.point.packets_per_s
        return Cell(quantity(pps, "1/s"), held, sort=pps)

    def fewer(row: _AtRate) -> Cell:
        cost = row.point.fewer
        if cost is None:
            return EMPTY
        return Cell(percent(cost.estimate), interval(cost.low, cost.high), sort=cost.estimate)

    columns = [
        *_names(view, lambda row: row.curve),
        ReportColumn(t("load.rate"), rate, t("load.share"), numeric=True),
        ReportColumn(t("load.fewer"), fewer, view.cost_head, numeric=True),
        bounds_column(t("load.lost"), lambda row: row.point.lost, t("load.points")),
        bounds_column(t("load.cpu"), lambda row: row.point.cpu, t("unit.tool_cpu")),
    ]
    return ReportTable(t("load.at_rates"), columns, rows)


def _names(view: View, curve_of: Callable[[Any], Curve]) -> Iterator[ReportColumn]:
    """The case, and where it ran."""
    t = view.t
    yield ReportColumn(t("head.case"), lambda item: Cell(curve_of(item).place[3], mark="name"))
    if len(view.environments) > 1:
        yield ReportColumn(
            t("head.environment"), lambda item: Cell(curve_of(item).place[0], mark="short")
        )
    yield ReportColumn(
        t("head.layer"), lambda item: Cell(t(f"layer.{curve_of(item).place[2]}"), mark="short")
    )
