"""The forest: every primary effect as a point on its interval, grouped by tool."""

from typing import Any

import altair as alt
import polars as pl

from ..document import Chart
from ..view import TOPICS, View
from .style import BAND, GRID, INK, VERDICT_COLOURS, WIDTH, cost_scale, to_svg

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


def _forest(view: View, rows: pl.DataFrame) -> Any:
    bottom = rows["bottom"].max()
    assert isinstance(bottom, float)
    count = rows.height / len(TOPICS)
    step = 12.0 if count <= 40 else 7.0 if count <= 120 else 4.0
    height = max(60.0, bottom * step)
    rank = alt.Scale(domain=[bottom + 0.3, -0.3], nice=False)
    topics = [topic for topic in TOPICS if topic in rows["topic"].unique()]
    width = (WIDTH - LABELS) / len(topics) - 24
    panels = [
        _panel(view, rows.filter(pl.col("topic") == topic), rows, topic, rank).properties(
            width=width, height=height
        )
        for topic in topics
    ]
    return alt.hconcat(
        _names(rows, rank).properties(width=LABELS, height=height), *panels, spacing=18
    )


def _names(rows: pl.DataFrame, rank: alt.Scale) -> Any:
    names = rows.group_by("tool").agg(
        ((pl.col("top") + pl.col("bottom")) / 2).first().alias("y")
    )  # fmt: skip
    return (
        alt.Chart(names)
        .mark_text(align="right", fontSize=11.5, limit=LABELS, color=INK)
        .encode(y=alt.Y("y:Q", axis=None, scale=rank), text="tool", x=alt.value(LABELS))
    )


def _panel(
    view: View, effects: pl.DataFrame, rows: pl.DataFrame, topic: str, rank: alt.Scale
) -> Any:
    """One topic: margin, separators, intervals, points."""
    lows, highs = effects["ci_low"].fill_null(0).min(), effects["ci_high"].fill_null(0).max()
    points = effects["estimate"]
    low = min(float(lows), float(points.min()))  # type: ignore[arg-type]
    high = max(float(highs), float(points.max()))  # type: ignore[arg-type]
    scale, ticks = cost_scale(low, high)
    title = view.t("effects.axis", topic=view.t(f"topic.{topic}"))
    x_axis = alt.Axis(values=ticks, tickCount=6, grid=True, title=title, labelOverlap=True)
    names = [name for name in VERDICT_COLOURS if name in rows["verdict"].unique()]
    colour = alt.Color(
        "words:N",
        title=None,
        scale=alt.Scale(
            domain=[view.t(f"verdict.{name}") for name in names],
            range=[VERDICT_COLOURS[name] for name in names],
        ),
    )
    base = alt.Chart(effects)
    y = alt.Y("y:Q", axis=None, scale=rank)
    x = alt.X("estimate:Q", scale=scale, axis=x_axis)
    separators = rows.select(pl.col("bottom").unique() + GAP / 2)
    margin = effects["margin"].drop_nulls().max()
    layers = [
        alt.Chart(pl.DataFrame({"low": [-margin], "high": [margin]}))
        .mark_rect(color=BAND)
        .encode(x=alt.X("low:Q", scale=scale, axis=x_axis), x2="high:Q")
        if isinstance(margin, float)
        else None,
        alt.Chart(separators)
        .mark_rule(color=GRID)
        .encode(y=alt.Y("bottom:Q", axis=None, scale=rank)),
        alt.Chart(pl.DataFrame({"zero": [0.0]}))
        .mark_rule(color=INK, strokeWidth=0.8)
        .encode(x=alt.X("zero:Q", scale=scale, axis=x_axis)),
        base.mark_rule(strokeWidth=1.5).encode(
            x=alt.X("ci_low:Q", scale=scale, axis=x_axis), x2="ci_high:Q", y=y, color=colour
        ),
        base.mark_point(filled=True, size=26, opacity=1).encode(
            x=x,
            y=y,
            color=colour,
            shape=alt.Shape(
                "protocol:N",
                title=None,
                scale=alt.Scale(domain=["TCP", "UDP"], range=["circle", "diamond"]),
            ),
        ),
    ]
    return alt.layer(*(layer for layer in layers if layer is not None))
