"""The same tool in each environment, side by side."""

import altair as alt
import polars as pl

from ..document import Chart
from ..view import TOPICS, View
from .cost import PANELS
from .style import INK, TOPIC_COLOURS, WIDTH, cost_scale, to_svg


def environments(view: View) -> Chart | None:
    """One panel a tool: its largest cost by topic in each environment."""
    rows = pl.DataFrame(
        [
            {
                "tool": tool.tool,
                "environment": tool.environment,
                "topic": view.t(f"topic.{topic}"),
                "cost": tool.worst[topic]["estimate"],
                "low": tool.worst[topic]["ci_low"],
                "high": tool.worst[topic]["ci_high"],
            }
            for tool in view.measured
            for topic in TOPICS
            if topic in tool.worst
        ],
        schema={"tool": pl.String, "environment": pl.String, "topic": pl.String, "cost": pl.Float64,
                "low": pl.Float64, "high": pl.Float64},
    )  # fmt: skip
    if rows.is_empty():
        return None
    low, high = rows.select(
        pl.min_horizontal("cost", "low").min(),
        pl.max_horizontal("cost", "high").max().alias("high"),
    ).row(0)
    scale, ticks = cost_scale(low, high)
    axis = alt.Axis(
        values=ticks, tickCount=5, title=view.t("architectures.axis"), labelOverlap=True
    )
    names = [view.t(f"topic.{topic}") for topic in TOPICS]
    colour = alt.Color(
        "topic:N",
        title=None,
        sort=names,
        scale=alt.Scale(domain=names, range=[TOPIC_COLOURS[topic] for topic in TOPICS]),
    )
    y = alt.Y(
        "environment:N", axis=alt.Axis(title=None, ticks=False, domain=False, labelLimit=150)
    )  # fmt: skip
    offset = alt.YOffset("topic:N", sort=names)
    base = alt.Chart(rows)
    zero = base.mark_rule(color=INK, strokeWidth=0.7).encode(x=alt.datum(0))
    line = base.mark_rule(strokeWidth=1.6).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", y=y, yOffset=offset, color=colour
    )
    point = base.mark_point(filled=True, size=34, opacity=1).encode(
        x=alt.X("cost:Q", scale=scale, axis=axis), y=y, yOffset=offset, color=colour
    )
    columns = PANELS - 1
    width = WIDTH / columns - 170
    chart = (
        (zero + line + point)
        .properties(width=width, height=alt.Step(11))
        .facet(
            facet=alt.Facet("tool:N", title=None, header=alt.Header(labelLimit=width + 120)),
            columns=columns,
            spacing=22,
        )
    )
    return Chart(view.t("architectures.chart"), to_svg(chart))
