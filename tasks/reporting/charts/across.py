"""The same tool in each environment, side by side."""

import altair as alt
import polars as pl

from ..document import Chart
from ..view import TOPICS, View
from .style import (
    WIDTH,
    Axis,
    Spec,
    chart,
    cost_x,
    data,
    names_axis,
    overlay,
    topic_colours,
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
    x = cost_x(view, frame, ("cost", "low", "high"), view.t("architectures.axis"), ticks=5)
    drawn = [
        _panel(view, group, str(tool), x)
        for (tool,), group in frame.group_by("tool", maintain_order=True)
    ]
    return chart(view.t("architectures.chart"), drawn, PANELS)


def _panel(view: View, rows: pl.DataFrame, tool: str, x: Axis) -> Spec:
    topics = alt.Scale(domain=[view.t(f"topic.{topic}") for topic in TOPICS])
    base = alt.Chart(data(rows, *_COLUMNS)).encode(
        y=alt.Y("environment:N", scale=alt.Scale(domain=view.environments), axis=names_axis(NAMES)),
        yOffset=alt.YOffset("topic:N", scale=topics),
        color=topic_colours(view, "topic"),
    )
    line = base.mark_rule(strokeWidth=1.8).encode(x=x("low"), x2="high:Q")
    point = base.mark_point(size=26).encode(x=x("cost"))
    width = WIDTH // PANELS - NAMES - 12
    height = 40 * len(view.environments)
    return overlay(zero(x=x("zero")), line, point, width=width, height=height, title=tool)
