"""The same tool in each environment, side by side."""

from functools import partial

import altair as alt
import polars as pl

from ..document import Chart
from ..view import TOPICS, View
from .style import (
    TOPIC_COLOURS,
    WIDTH,
    Spec,
    colours,
    cost_scale,
    data,
    ends,
    names_axis,
    overlay,
    panels,
    to_svg,
    zero,
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
    rows = [
        (
            tool.tool,
            tool.environment,
            view.t(f"topic.{topic}"),
            *(tool.worst[topic][end] for end in ("estimate", "ci_low", "ci_high")),
        )
        for tool in sorted(view.measured, key=lambda tool: tool.tool)
        for topic in TOPICS
        if topic in tool.worst
    ]
    if not rows:
        return None
    frame = pl.DataFrame(rows, schema=_COLUMNS, orient="row")
    scale, ticks = cost_scale(*ends(frame, "cost", "low", "high"))
    axis = alt.Axis(
        values=ticks, tickCount=5, title=view.t("architectures.axis"), labelOverlap=True
    )
    panel = partial(_panel, view, scale=scale, axis=axis)
    drawn = [
        panel(group, str(tool)) for (tool,), group in frame.group_by("tool", maintain_order=True)
    ]
    return Chart(view.t("architectures.chart"), to_svg(panels(drawn, PANELS)))


def _panel(view: View, rows: pl.DataFrame, tool: str, scale: alt.Scale, axis: alt.Axis) -> Spec:
    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis)

    names = [view.t(f"topic.{topic}") for topic in TOPICS]
    base = alt.Chart(data(rows, *_COLUMNS)).encode(
        y=alt.Y("environment:N", scale=alt.Scale(domain=view.environments), axis=names_axis(NAMES)),
        yOffset=alt.YOffset("topic:N", scale=alt.Scale(domain=names)),
        color=colours(names, [TOPIC_COLOURS[topic] for topic in TOPICS], "topic"),
    )
    line = base.mark_rule(strokeWidth=1.8).encode(x=x("low"), x2="high:Q")
    point = base.mark_point(size=26).encode(x=x("cost"))
    width = WIDTH // PANELS - NAMES - 12
    height = 40 * len(view.environments)
    return overlay(zero(x=x("zero")), line, point, width=width, height=height, title=tool)
