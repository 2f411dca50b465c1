"""The forest: every primary effect as a point on its interval, grouped by tool."""

from collections.abc import Callable

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
    Spec,
    colours,
    cost_scale,
    data,
    overlay,
    panels,
    to_svg,
)

LABELS = 240
"""Pixels for the tools' names."""

GAP = 1.2
"""Empty rows between two tools."""


def forests(view: View) -> list[Chart]:
    """One chart for each environment and layer."""
    shown = view.effects.filter(
        pl.col("primary"),
        pl.col("topic").is_not_null(),
        pl.col("estimate").is_not_null(),
        pl.col("verdict") != "invalid",
    )
    charts = []
    for (environment, layer), group in sorted(shown.group_by("environment", "layer")):
        title = view.t(
            "effects.chart", environment=environment, layer=view.t(f"layer.{layer}")
        )  # fmt: skip
        charts.append(Chart(title, to_svg(_forest(view, _placed(view, group)))))
    return charts


def _placed(view: View, effects: pl.DataFrame) -> pl.DataFrame:
    """Adds `y`, the row on the chart, and the words of the legend.

    Tools stand below each other, the largest cost first, placebos last; a tool is as high as its
    topic with most effects.
    """
    tools = effects.group_by("tool").agg(
        pl.col("kind").first(), pl.col("estimate").max().alias("dearest")
    )
    order = tools.sort(pl.col("kind") != "tool", -pl.col("dearest"))["tool"]
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
    shapes = {name: shape.protocol.upper() for name, shape in view.shapes.items()}
    return pl.concat(parts).with_columns(
        pl.col("workload").replace_strict(shapes, default="").alias("protocol"),
        pl.col("verdict").map_elements(
            lambda name: view.t(f"verdict.{name}"), return_dtype=pl.String
        ).alias("words"),
    )  # fmt: skip


def _forest(view: View, rows: pl.DataFrame) -> Spec:
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
    return panels([names, *drawn], columns=1 + len(drawn), spacing=18)


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
    low, high = effects.select(
        pl.min_horizontal("ci_low", "estimate").min(),
        pl.max_horizontal("ci_high", "estimate").max().alias("high"),
    ).row(0)
    scale, ticks = cost_scale(low, high)
    title = view.t("effects.axis", topic=view.t(f"topic.{topic}"))
    axis = alt.Axis(values=ticks, tickCount=6, title=title, labelOverlap=True)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis)

    y = alt.Y("y:Q", axis=None, scale=rank)
    colour = _verdict_colours(view, rows)
    columns = ("estimate", "ci_low", "ci_high", "y", "words", "protocol")
    known = effects.filter(pl.col("ci_low").is_not_null())
    intervals = alt.Chart(data(known, *columns)).mark_rule(strokeWidth=1.6)
    points = alt.Chart(data(effects, *columns)).mark_point(filled=True, size=dot, opacity=1)
    return [
        *_ground(effects, x, y, rows.select(pl.col("bottom").unique() + GAP / 2)),
        intervals.encode(x=x("ci_low"), x2="ci_high:Q", y=y, color=colour),
        points.encode(x=x("estimate"), y=y, color=colour, shape=_protocols()),
    ]


def _ground(
    effects: pl.DataFrame, x: Callable[[str], alt.X], y: alt.Y, between: pl.DataFrame
) -> list[alt.Chart]:
    """What the effects are drawn on: the margin's band, lines between tools, zero."""
    margins = effects["margin"].drop_nulls().unique()
    band = alt.Data(values=[{"low": -margin, "high": margin} for margin in margins])
    lines = data(between.rename({"bottom": "y"}), "y")
    zero = alt.Data(values=[{"zero": 0}])
    return [
        alt.Chart(band).mark_rect(color=BAND).encode(x=x("low"), x2="high:Q"),
        alt.Chart(lines).mark_rule(color=GRID).encode(y=y),
        alt.Chart(zero).mark_rule(color=INK, strokeWidth=0.8).encode(x=x("zero")),
    ]


def _verdict_colours(view: View, rows: pl.DataFrame) -> alt.Color:
    """The verdicts that occur, in their order of the catalogue."""
    names = [name for name in VERDICT_COLOURS if name in rows["verdict"].unique()]
    words = [view.t(f"verdict.{name}") for name in names]
    return colours(words, [VERDICT_COLOURS[name] for name in names], "words")


def _protocols() -> alt.Shape:
    scale = alt.Scale(domain=["TCP", "UDP"], range=["circle", "diamond"])
    return alt.Shape("protocol:N", title=None, scale=scale)
