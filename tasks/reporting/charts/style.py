"""How every chart looks, and how it becomes an SVG.

Colours are Okabe and Ito's, which stay apart for colour-blind readers. Ink, muted, grid and band are
the page's own; the style sheet turns exactly these values over in dark mode.
"""

import re
from typing import Any

import altair as alt
import vl_convert

INK, MUTED, BAND, GRID = "#1b1f24", "#636c76", "#e9ecef", "#e1e4e8"
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, GREY = "#56B4E9", "#D55E00", "#8a949e"

SERIES = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION)
"""For environments and other equals, in this order."""

TOPIC_COLOURS = {"throughput": BLUE, "latency": VERMILION, "pps": GREEN}

VERDICT_COLOURS = {
    "no_overhead_within_margin": GREEN,
    "overhead": VERMILION,
    "overhead_unresolved": ORANGE,
    "implausible_gain": PINK,
    "inconclusive": GREY,
}

WIDTH = 1130
"""Pixels that a chart may take up, so that it needs no scaling at 1280."""

COMPRESSED_FROM = 60.0
"""Percent above which an axis of costs is compressed, to keep small costs apart."""

TICKS = (-100, -50, -20, -10, 0, 10, 20, 50, 100, 200, 500, 1000, 2000)


def to_svg(chart: Any) -> str:
    """The chart as an SVG that scales, without a background or marks of its own for readers."""
    styled = (
        chart.configure(background="transparent", aria=False, font="sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED, titleColor=MUTED, gridColor=GRID, domainColor=GRID, tickColor=GRID,
            labelFontSize=11, titleFontSize=11, titleFontWeight="normal", titlePadding=8,
        )
        .configure_header(labelColor=INK, titleColor=INK, labelFontSize=12, labelFontWeight=600)
        .configure_legend(
            labelColor=INK, titleColor=MUTED, labelFontSize=11, titleFontSize=11,
            titleFontWeight="normal", orient="top", symbolStrokeWidth=2, labelLimit=300,
        )
        .configure_title(color=INK, fontSize=12, fontWeight=600)
        .configure_text(color=INK)
    )  # fmt: skip
    svg = vl_convert.vegalite_to_svg(styled.to_dict(), vl_version=_vega_lite())
    return re.sub(r"(\.\d\d)\d+", r"\1", svg)


def _vega_lite() -> str:
    """The Vega-Lite that this Altair writes: `v6.4.1` -> `6.4`."""
    return ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def cost_scale(low: float, high: float) -> tuple[alt.Scale, Any]:
    """Scale and ticks for costs in percent: linear, or compressed where some are very large."""
    low, high = min(low, -2.0), max(high, 2.0)
    if max(-low, high) <= COMPRESSED_FROM:
        return alt.Scale(domain=[low, high], nice=True), alt.Undefined
    ticks = [tick for tick in TICKS if low <= tick <= high]
    return alt.Scale(type="symlog", constant=10, domain=[low, high], nice=False), ticks
