"""The same tool in each environment, side by side."""

from typing import Any

import altair as alt
import polars as pl

from ..document import Chart
from ..view import TOPICS, View
from .style import (
    INK,
    TOPIC_COLOURS,
    WIDTH,
    Spec,
    colours,
    cost_scale,
    data,
    names_axis,
    overlay,
    panels,
    to_svg,
)

PANELS = 3
NAMES = 160

_COLUMNS = {
    "tool": pl.String,
    "environment": pl.String,
    "topic": pl.String,
    "cost": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def environments(view: View) -> Chart | None:
    """One panel a tool: its largest cost by topic in each environment."""
    rows = _rows(view)
    if rows.is_empty():
        return None
    low, high = rows.select(
        pl.min_horizontal("cost", "low").min(),
        pl.max_horizontal("cost", "high").max().alias("high"),
    ).row(0)
    drawn = [
        _panel(view, group, str(tool), *cost_scale(low, high))
        for (tool,), group in rows.group_by("tool", maintain_order=True)
    ]
    return Chart(view.t("architectures.chart"), to_svg(panels(drawn, PANELS)))


def _rows(view: View) -> pl.DataFrame:
    rows = [
        {
            "tool": tool.tool,
            "environment": tool.environment,
            "topic": view.t(f"topic.{topic}"),
            "cost": tool.worst[topic]["estimate"],
            "low": tool.worst[topic]["ci_low"],
            "high": tool.worst[topic]["ci_high"],
        }
        for tool in sorted(view.measured, key=lambda tool: tool.tool)
        for topic in TOPICS
        if topic in tool.worst
    ]
    return pl.DataFrame(rows, schema=_COLUMNS)


def _panel(view: View, rows: pl.DataFrame, tool: str, scale: alt.Scale, ticks: Any) -> Spec:
    axis = alt.Axis(
        values=ticks, tickCount=5, title=view.t("architectures.axis"), labelOverlap=True
    )
    names = [view.t(f"topic.{topic}") for topic in TOPICS]
    colour = colours(names, [TOPIC_COLOURS[topic] for topic in TOPICS], "topic")
    y = alt.Y("environment:N", scale=alt.Scale(domain=view.environments), axis=names_axis(NAMES))
    offset = alt.YOffset("topic:N", scale=alt.Scale(domain=names))
    base = alt.Chart(data(rows, *_COLUMNS))
    zero = alt.Chart(alt.Data(values=[{"cost": 0}])).mark_rule(color=INK, strokeWidth=0.7)
    line = base.mark_rule(strokeWidth=1.8).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", y=y, yOffset=offset, color=colour
    )
    x = alt.X("cost:Q", scale=scale, axis=axis)
    point = base.mark_point(filled=True, size=26, opacity=1).encode(
        x=x, y=y, yOffset=offset, color=colour
    )
    width = WIDTH // PANELS - NAMES - 12
    height = 40 * len(view.environments)
    return overlay(zero.encode(x=x), line, point, width=width, height=height, title=tool)
