"""How every chart looks, and how it becomes an SVG.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; orange and sky blue are
darkened, so that a mark has a contrast of 3 : 1 on white as well as on the dark page. Ink, muted,
grid and band are the page's own; the style sheet replaces exactly these values in dark mode.
"""

import re
from collections.abc import Callable, Container, Sequence
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from ..document import Chart
from ..view import TOPICS, View

INK, MUTED, BAND, GRID = "#1b1f24", "#636c76", "#e9ecef", "#e1e4e8"
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#B97F00", "#009E73", "#CC79A7"
SKY, VERMILION, GREY = "#2F94CF", "#D55E00", "#8a949e"

SERIES = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION)
"""For environments and other series, in this order."""

TOPIC_COLOURS = {"throughput": BLUE, "latency": VERMILION, "pps": GREEN}

VERDICT_COLOURS = {
    "no_overhead_within_margin": GREEN,
    "overhead": VERMILION,
    "overhead_unresolved": ORANGE,
    "implausible_gain": PINK,
    "inconclusive": GREY,
}

Spec = dict[str, Any]
"""A Vega-Lite view."""

Axis = Callable[[str], alt.X]
"""A field on a panel's horizontal axis."""

WIDTH = 1150
"""Pixels that a chart may take up, so that it needs no scaling at 1280."""

COMPRESSED_FROM = 60.0
"""Percent above which an axis of costs is compressed, to keep small costs apart."""

COST_TICKS = (-100, -50, -20, -10, 0, 10, 20, 50, 100, 200, 500, 1000, 2000)


CONFIG: dict[str, Any] = {
    "background": "transparent",
    "padding": 2,
    "font": "Arial",
    "aria": False,
    "view": {"stroke": None},
    "point": {"filled": True, "opacity": 1},
    "axis": {
        "labelColor": MUTED, "titleColor": MUTED, "gridColor": GRID, "domainColor": GRID,
        "tickColor": GRID, "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "legend": {
        "labelColor": INK, "labelFontSize": 11.5, "labelLimit": 300, "orient": "top", "offset": 14,
        "columnPadding": 22, "symbolBaseFillColor": MUTED, "symbolStrokeWidth": 2,
        "symbolSize": 70, "symbolOpacity": 1,
    },
    "title": {"color": INK, "fontSize": 12, "fontWeight": 600, "anchor": "start", "offset": 8},
}  # fmt: skip


def _vega_lite() -> str:
    """The Vega-Lite that this Altair writes: `v6.4.1` -> `6.4`."""
    return ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def data(frame: pl.DataFrame, *columns: str) -> alt.InlineData:
    """The rows inside the chart, only the columns that it draws.

    As text: Altair copies its charts often, and a text is copied at once.
    """
    return alt.InlineData(
        values=frame.select(columns).write_json(), format=alt.JsonDataFormat(type="json")
    )


def overlay(*marks: alt.Chart, width: float, height: Any, title: Any = None) -> Spec:
    """Marks over each other in one panel.

    Panels are put together as plain Vega-Lite: Altair checks each mark, but copies whole trees of
    charts at each step of a composition, which takes minutes for a hundred panels.
    """
    layers = [_bare(mark) for mark in marks]
    return {"layer": layers, "width": width, "height": height} | ({"title": title} if title else {})


def _bare(mark: alt.Chart) -> Spec:
    with alt.data_transformers.enable(consolidate_datasets=False):
        spec: Spec = mark.to_dict()
    return {key: value for key, value in spec.items() if key not in ("$schema", "config")}


def chart(title: str, panels: Sequence[Spec], columns: int, spacing: float = 26) -> Chart:
    """The panels side by side under one legend, each with axes of its own, as a titled SVG.

    The SVG scales with the page and has no background.
    """
    spec = {"concat": list(panels), "columns": columns, "spacing": spacing, "config": CONFIG}
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_vega_lite())
    return Chart(title, re.sub(r"(\.\d\d)\d+", r"\1", svg))


def colours(names: Sequence[str], values: Sequence[str], field: str) -> alt.Color:
    """A colour for each name, the same in every chart that shows them."""
    return alt.Color(
        f"{field}:N", title=None, scale=alt.Scale(domain=list(names), range=list(values))
    )


def series(names: Sequence[str], field: str) -> alt.Color:
    """Colours of environments or other series, in their order."""
    return colours(names, [SERIES[n % len(SERIES)] for n in range(len(names))], field)


def zero(**at: Any) -> alt.Chart:
    """A rule at 0 of the channel `x` or `y`, whose field must be `zero`."""
    mark = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=INK, strokeWidth=0.7)
    return mark.encode(**at)


def names_axis(limit: int, *, labels: bool = True) -> alt.Axis:
    """Names of at most `limit` pixels down the left side, a fine line across for each."""
    return alt.Axis(
        title=None, grid=True, domain=False, ticks=False, labelLimit=limit, labelColor=INK,
        labels=labels,
    )  # fmt: skip


def topic_colours(view: View, field: str, shown: Container[str] = TOPICS) -> alt.Color:
    topics = [topic for topic in TOPICS if topic in shown]
    names = [view.t(f"topic.{topic}") for topic in topics]
    return colours(names, [TOPIC_COLOURS[topic] for topic in topics], field)


def ends(frame: pl.DataFrame, *columns: str) -> tuple[float, float]:
    """The smallest and the largest value in the columns."""
    low, high = pl.min_horizontal(columns).min(), pl.max_horizontal(columns).max()
    return frame.select(low.alias("low"), high.alias("high")).row(0)


def cost_x(view: View, frame: pl.DataFrame, columns: Sequence[str], title: str, ticks: int) -> Axis:
    """Costs in percent: linear, or compressed where some are very large, which the title says."""
    low, high = ends(frame, *columns)
    low, high = min(low * 1.08, -2.0), max(high * 1.08, 2.0)
    scale, values = alt.Scale(domain=[low, high], nice=True), alt.Undefined
    if max(-low, high) > COMPRESSED_FROM:
        scale = alt.Scale(type="symlog", constant=10, domain=[low, high], nice=False)
        values = [tick for tick in COST_TICKS if low <= tick <= high]
        title = view.t("architectures.compressed", title=title)
    axis = alt.Axis(values=values, tickCount=ticks, title=title, labelOverlap=True)
    return lambda field: alt.X(f"{field}:Q", scale=scale, axis=axis)


def log_x(low: float, high: float, title: str) -> Axis:
    """Logarithmic, just holding the values, with ticks at 1, 2, 5, 10 …"""
    low, high = low * 0.85, high * 1.18
    decades = [base * 10.0**power for power in range(-3, 9) for base in (1, 2, 5)]
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    ticks = [tick for tick in decades if low <= tick <= high]
    axis = alt.Axis(title=title, values=ticks, format="~s")
    return lambda field: alt.X(f"{field}:Q", scale=scale, axis=axis)
