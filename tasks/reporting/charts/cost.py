"""Where the cost goes: time in the kernel against the cost model, the tool's CPU in the window."""

from typing import Any

import altair as alt
import polars as pl

from ..document import Chart
from ..expectations import cost_bands
from ..view import View, kernel_cost
from .style import BAND, MUTED, SERIES, WIDTH, to_svg

PANELS = 4
"""Small multiples in a row."""


def kernel(view: View) -> Chart | None:
    """ns an event of each tool in each environment, over the bands of the design's cost model."""
    costs = kernel_cost(view.bundle.bpf_programs, ("tool",))
    if costs.is_empty():
        return None
    bands = pl.DataFrame(
        [
            {"low": low, "high": high, "what": view.t(f"kernel.{name}")}
            for name, (low, high) in cost_bands().items()
        ]
    )
    low, high = bands["low"].min(), max(bands["high"].max(), costs["ns_per_event"].max() * 1.3)
    scale = alt.Scale(type="log", domain=[min(low, costs["ns_per_event"].min() * 0.8), high])
    axis = alt.Axis(title=view.t("kernel.axis"), values=_decades(high), format="~s", grid=True)
    bars = (
        alt.Chart(bands)
        .mark_rect(height=14, cornerRadius=2, color=BAND)
        .encode(
            x=alt.X("low:Q", scale=scale, axis=None),
            x2="high:Q",
            y=alt.Y("what:N", sort=None, axis=alt.Axis(title=None, domain=False, ticks=False)),
        )
        .properties(width=WIDTH - 300, height=alt.Step(20))
    )
    points = (
        alt.Chart(costs)
        .mark_point(filled=True, size=70, opacity=1)
        .encode(
            x=alt.X("ns_per_event:Q", scale=scale, axis=axis),
            y=alt.Y(
                "tool:N",
                sort=alt.EncodingSortField("ns_per_event", order="ascending"),
                axis=alt.Axis(title=None, grid=True, domain=False, ticks=False, labelLimit=280),
            ),
            color=environment_colour(view),
            shape=alt.Shape("layer:N", title=None, legend=None),
        )
        .properties(width=WIDTH - 300, height=alt.Step(22))
    )
    return Chart(view.t("kernel.title"), to_svg(alt.vconcat(bars, points, spacing=4)))


def _decades(high: float) -> list[float]:
    ticks = [base * 10**power for power in range(1, 7) for base in (1, 2, 5)]
    return [float(tick) for tick in ticks if tick <= high]


def environment_colour(view: View) -> alt.Color:
    """Environments in one order and one colour in every chart."""
    names = view.environments
    colours = [SERIES[n % len(SERIES)] for n in range(len(names))]
    return alt.Color(
        "environment:N", title=None, scale=alt.Scale(domain=names, range=colours)
    )  # fmt: skip


def tool_cpu(view: View) -> Chart | None:
    """Small multiples: the tool's CPU over the seconds of the window."""
    points = view.bundle.intervals.filter(
        pl.col("series") == "tool_cpu_pct", pl.col("value").is_not_null()
    )
    if points.is_empty():
        return None
    tools = view.bundle.cells.filter(pl.col("kind") == "tool").select(
        "environment", "layer", "case", "tool"
    )
    curves = (
        points.join(tools.unique(), on=["environment", "layer", "case"])
        .with_columns(((pl.col("t_s") / 2).round() * 2).alias("t_s"))
        .group_by("environment", "tool", "t_s")
        .agg(
            pl.col("value").median().alias("median"),
            pl.col("value").quantile(0.1).alias("low"),
            pl.col("value").quantile(0.9).alias("high"),
        )
        .sort("environment", "tool", "t_s")
    )
    if curves.is_empty():
        return None
    x = alt.X("t_s:Q", title=view.t("cpu.x"), axis=alt.Axis(tickCount=5, grid=False))
    colour = environment_colour(view)
    base = alt.Chart(curves)
    axis = alt.Axis(tickCount=4, title=None)
    band = base.mark_area(opacity=0.22).encode(
        x=x, y=alt.Y("low:Q", axis=axis), y2="high:Q", color=colour
    )
    line = base.mark_line(strokeWidth=1.8).encode(
        x=x, y=alt.Y("median:Q", axis=axis), color=colour
    )  # fmt: skip
    return Chart(view.t("cpu.title"), to_svg(small_multiples(band + line, "tool")))


def small_multiples(chart: Any, field: str, height: int = 90) -> Any:
    """One panel for each value of `field`, four in a row, each with its own y axis."""
    width = WIDTH / PANELS - 56
    return (
        chart.properties(width=width, height=height)
        .facet(
            facet=alt.Facet(
                f"{field}:N", title=None, header=alt.Header(labelColor=MUTED, labelLimit=width + 40)
            ),
            columns=PANELS,
            spacing=24,
        )
        .resolve_scale(y="independent")
    )
