"""Where the cost arises: kernel time against the cost model, tool CPU over the window."""

import altair as alt
import polars as pl

from ..design_targets import cost_bands
from ..document import Chart
from ..kernel_cost import program_cost
from ..view import View
from .style import BAND, WIDTH, chart, data, log_x, names_axis, overlay, series

NAMES = 250
"""Pixels for the tools' names."""

PANELS = 4
"""Small multiples in a row."""


def kernel(view: View) -> Chart | None:
    """ns/event of each program of each tool, under the bands of the design's cost model."""
    costs = program_cost(view.bundle.bpf_programs, ("tool",)).sort("environment", "tool", "name")
    if costs.is_empty():
        return None
    bands = pl.DataFrame(
        [
            (view.t("kernel.model", tool_class=view.t(f"tool_class.{name}")), low, high)
            for name, (low, high) in cost_bands().items()
        ],
        schema=["what", "low", "high"],
        orient="row",
    )
    shown = [*bands["low"], *bands["high"], *costs["ns_per_event"]]
    x = log_x(min(shown), max(shown), view.t("kernel.axis"))
    model = alt.Chart(data(bands, *bands.columns)).mark_rect(height=13, cornerRadius=2, color=BAND)
    points = alt.Chart(data(costs, "tool", "environment", "ns_per_event")).mark_point(size=75)
    model = model.encode(
        x=x("low").axis(None), x2="high:Q", y=alt.Y("what:N", sort=None, axis=names_axis(NAMES))
    )
    points = points.encode(
        x=x("ns_per_event"),
        y=alt.Y("tool:N", sort=_cheapest_first(costs), axis=names_axis(NAMES)),
        color=series(view.environments, "environment"),
    )
    rows = [
        overlay(model, width=WIDTH - NAMES, height={"step": 19}),
        overlay(points, width=WIDTH - NAMES, height={"step": 22}),
    ]
    return chart(view.t("kernel.title"), rows, columns=1, spacing=6)


def _cheapest_first(costs: pl.DataFrame) -> list[str]:
    levels = costs.group_by("tool").agg(pl.col("ns_per_event").max())
    return levels.sort("ns_per_event")["tool"].to_list()


def tool_cpu(view: View) -> Chart | None:
    """Small multiples: CPU over the seconds of the window, of each tool's most expensive case.

    A window with a single row has no course to draw.
    """
    curves = _curves(view).filter(pl.col("t_s").n_unique().over("tool", "environment") > 1)
    if curves.is_empty():
        return None
    axis = alt.Axis(tickCount=3, title=None)
    drawn = []
    for (tool,), rows in curves.group_by("tool", maintain_order=True):
        base = alt.Chart(data(rows, "environment", "t_s", "median", "low", "high")).encode(
            x=alt.X("t_s:Q", axis=alt.Axis(tickCount=5, grid=False, title=view.t("cpu.x"))),
            color=series(view.environments, "environment"),
        )
        band = base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", axis=axis), y2="high:Q")
        line = base.mark_line(strokeWidth=1.8).encode(y=alt.Y("median:Q", axis=axis))
        title = {"text": tool, "limit": WIDTH // PANELS - 20}
        drawn.append(overlay(band, line, width=WIDTH // PANELS - 62, height=90, title=title))
    return chart(view.t("cpu.title"), drawn, PANELS)


def _curves(view: View) -> pl.DataFrame:
    """environment, tool, t_s in steps of 2 s, median, low, high (10 and 90 %) over the cells."""
    place = ["environment", "layer", "case"]
    value = pl.col("value")
    tools = view.bundle.cells.filter(kind="tool").select(*place, "tool").unique()
    points = view.bundle.intervals.filter(series="tool_cpu_pct").drop_nulls("value")
    points = points.join(tools, on=place)
    costliest = (
        points.group_by(*place, "tool")
        .agg(value.median())
        .sort("value", "case", descending=[True, False])
        .unique(["environment", "layer", "tool"], keep="first")
    )
    return (
        points.join(costliest, on=place, how="semi")
        .group_by("tool", "environment", t_s=(pl.col("t_s") / 2).round() * 2)
        .agg(median=value.median(), low=value.quantile(0.1), high=value.quantile(0.9))
        .sort("tool", "environment", "t_s")
    )
