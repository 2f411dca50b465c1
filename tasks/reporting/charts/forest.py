"""The forest: every primary effect as a point on its interval, grouped by tool."""

import altair as alt
import polars as pl

from ..document import Chart
from ..view import TOPICS, View
from .style import (
    BAND,
    GRID,
    INK,
    VERDICT_COLOURS,
    WIDTH,
    Axis,
    chart,
    colours,
    cost_x,
    data,
    overlay,
    zero,
)

LABELS = 240
"""Pixels for the tools' names."""

GAP = 1.2
"""Empty rows between two tools."""


def forests(view: View) -> list[Chart]:
    """One chart for each environment and layer."""
    shown = view.effects.filter(pl.col("primary"), pl.col("verdict") != "invalid")
    charts = []
    groups = shown.drop_nulls(["topic", "estimate"]).group_by("environment", "layer")
    for (environment, layer), group in sorted(groups):
        place = {"environment": environment, "layer": view.t(f"layer.{layer}")}
        charts.append(_forest(view, view.t("effects.chart", **place), _placed(view, group)))
    return charts


def _placed(view: View, effects: pl.DataFrame) -> pl.DataFrame:
    """Adds `y`, the row on the chart, and the texts of the legend.

    Tools are ordered by their largest cost, placebos last; the height of a tool is that of its
    topic with the most effects.
    """
    tools = effects.group_by("tool").agg(
        pl.col("kind").first(), pl.col("estimate").max().alias("largest")
    )
    order = tools.sort(pl.col("kind") != "tool", -pl.col("largest"))["tool"]
    parts, top = [], 0.0
    for tool in order:
        group = effects.filter(pl.col("tool") == tool).sort("workload", "case")
        height = group.group_by("topic").len()["len"].max()
        assert isinstance(height, int)
        for _, rows in group.group_by("topic"):
            start = top + (height - rows.height) / 2 + 0.5
            y = pl.int_range(pl.len()) + start
            parts.append(rows.with_columns(y=y, top=pl.lit(top), bottom=pl.lit(top + height)))
        top += height + GAP
    protocols = {name: shape.protocol.upper() for name, shape in view.shapes.items()}
    verdicts = {name: view.t(f"verdict.{name}") for name in VERDICT_COLOURS}
    return pl.concat(parts).with_columns(
        protocol=pl.col("workload").replace_strict(protocols, default=""),
        verdict_text=pl.col("verdict").replace_strict(verdicts),
    )


def _forest(view: View, title: str, rows: pl.DataFrame) -> Chart:
    bottom = rows["bottom"].max()
    assert isinstance(bottom, float)
    step, dot = (12.0, 30) if bottom <= 60 else (7.0, 18) if bottom <= 160 else (4.0, 9)
    height = max(60.0, bottom * step)
    rank = alt.Scale(domain=[bottom + 0.3, -0.3], nice=False)
    topics = [topic for topic in TOPICS if topic in rows["topic"].unique()]
    width = (WIDTH - LABELS) / len(topics) - 24
    names = overlay(_names(rows, rank), width=LABELS, height=height)
    drawn = [
        overlay(*_marks(view, rows, topic, rank, dot), width=width, height=height)
        for topic in topics
    ]
    return chart(title, [names, *drawn], columns=1 + len(drawn), spacing=18)


def _names(rows: pl.DataFrame, rank: alt.Scale) -> alt.Chart:
    middle = ((pl.col("top") + pl.col("bottom")) / 2).first()
    names = rows.group_by("tool", maintain_order=True).agg(middle.alias("y"))
    marks = alt.Chart(data(names, "tool", "y")).mark_text(
        align="right", fontSize=11.5, limit=LABELS, color=INK
    )
    return marks.encode(y=alt.Y("y:Q", axis=None, scale=rank), text="tool:N", x=alt.value(LABELS))


def _marks(
    view: View, rows: pl.DataFrame, topic: str, rank: alt.Scale, dot: int
) -> list[alt.Chart]:
    """One topic: margin, zero and separators below, intervals and points on top."""
    effects = rows.filter(pl.col("topic") == topic)
    title = view.t("effects.axis", topic=view.t(f"topic.{topic}"))
    x = cost_x(view, effects, ("estimate", "ci_low", "ci_high"), title, ticks=6)
    y = alt.Y("y:Q", axis=None, scale=rank)
    colour = _verdict_colours(view, rows)
    columns = ("estimate", "ci_low", "ci_high", "y", "verdict_text", "protocol")
    known = effects.filter(pl.col("ci_low").is_not_null())
    intervals = alt.Chart(data(known, *columns)).mark_rule(strokeWidth=1.6)
    points = alt.Chart(data(effects, *columns)).mark_point(size=dot)
    return [
        *_ground(effects, x, y, rows.select(pl.col("bottom").unique() + GAP / 2)),
        intervals.encode(x=x("ci_low"), x2="ci_high:Q", y=y, color=colour),
        points.encode(x=x("estimate"), y=y, color=colour, shape=_protocols()),
    ]


def _ground(effects: pl.DataFrame, x: Axis, y: alt.Y, between: pl.DataFrame) -> list[alt.Chart]:
    """What the effects are drawn on: the margin's band, lines between tools, zero."""
    margins = effects["margin"].drop_nulls().unique()
    band = alt.Data(values=[{"low": -margin, "high": margin} for margin in margins])
    lines = data(between.rename({"bottom": "y"}), "y")
    return [
        alt.Chart(band).mark_rect(color=BAND).encode(x=x("low"), x2="high:Q"),
        alt.Chart(lines).mark_rule(color=GRID).encode(y=y),
        zero(x=x("zero")),
    ]


def _verdict_colours(view: View, rows: pl.DataFrame) -> alt.Color:
    """The verdicts that occur, in the order of their colours."""
    found = {n: colour for n, colour in VERDICT_COLOURS.items() if n in rows["verdict"].unique()}
    return colours([view.t(f"verdict.{name}") for name in found], [*found.values()], "verdict_text")


def _protocols() -> alt.Shape:
    scale = alt.Scale(domain=["TCP", "UDP"], range=["circle", "diamond"])
    return alt.Shape("protocol:N", title=None, scale=scale)
