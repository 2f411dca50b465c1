"""The load curve: what each tool costs at each packet rate."""

from collections.abc import Callable, Iterator

import altair as alt
import polars as pl

from ...statistics.line import Bounds
from ...statistics.load_curve import Curve, Point
from ..document import Chart
from ..view import View
from .style import WIDTH, Spec, chart, data, overlay, series, zero

_SCHEMA = {
    "case": pl.String,
    "packets_per_s": pl.Float64,
    "cost": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}

_COSTS: dict[str, Callable[[Point], Bounds | None]] = {
    "cpu": lambda point: point.cpu,
    "lost": lambda point: point.lost,
}
"""What is drawn, a column each."""


def rates(view: View) -> Chart | None:
    """A row of panels for each layer of each environment: CPU added, datagrams lost."""
    places = dict.fromkeys((curve.place[0], curve.place[2]) for curve in view.load_curves)
    names = sorted({curve.place[3] for curve in view.load_curves})
    drawn = []
    for environment, layer in places:
        curves = [c for c in view.load_curves if (c.place[0], c.place[2]) == (environment, layer)]
        title = f"{environment} · {view.t(f'layer.{layer}')}"
        drawn += [_panel(view, curves, names, what, title) for what in _COSTS]
    return chart(view.t("load.chart"), drawn, len(_COSTS)) if drawn else None


def _panel(view: View, curves: list[Curve], names: list[str], what: str, title: str) -> Spec:
    rows = pl.DataFrame(list(_rows(curves, what)), schema=_SCHEMA, orient="row")
    y = alt.Axis(tickCount=5, title=view.t(f"load.axis.{what}"))
    x = alt.Axis(tickCount=6, title=view.t("load.axis.rate"), format="~s", grid=False)
    base = alt.Chart(data(rows, *_SCHEMA)).encode(
        x=alt.X("packets_per_s:Q", axis=x), color=series(names, "case")
    )
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", axis=y), y2="high:Q")
    line = base.mark_line(strokeWidth=1.6).encode(y=alt.Y("cost:Q", axis=y))
    points = base.mark_point(size=30).encode(y=alt.Y("cost:Q", axis=y))
    marks = (zero(y=alt.Y("zero:Q", axis=y)), band, line, points)
    return overlay(*marks, width=WIDTH // 2 - 75, height=170, title=title)


def _rows(curves: list[Curve], what: str) -> Iterator[tuple[str, float, float, float, float]]:
    for curve in curves:
        for point in curve.points:
            cost, rate = _COSTS[what](point), point.packets_per_s
            if cost is not None and rate is not None and point.held:
                yield curve.place[3], rate, cost.estimate, cost.low, cost.high
