"""Levels over time and over the distribution: baseline drift, latency percentiles."""

import altair as alt
import polars as pl

from ..document import Chart
from ..view import TOPICS, View
from .style import GRID, INK, SERIES, TOPIC_COLOURS, WIDTH, to_svg


def drift(view: View, values: pl.DataFrame) -> Chart | None:
    """Each baseline's distance from its median over the run; one TCP workload for each topic.

    `values`: environment, layer, workload, topic, value, started.
    """
    chosen = [
        name for name, shape in view.shapes.items() if (shape.protocol, shape.streams) == ("tcp", 1)
    ]
    keys = ["environment", "layer", "workload"]
    rows = values.filter(pl.col("workload").is_in(chosen)).with_columns(
        ((pl.col("value") / pl.col("value").median().over(keys) - 1) * 100).alias("off"),
        ((pl.col("started") - pl.col("started").min().over("environment")).dt.total_seconds() / 3600)
        .alias("hours"),
        pl.col("topic").replace_strict({topic: view.t(f"topic.{topic}") for topic in TOPICS})
        .alias("what"),
        pl.col("layer").replace_strict({name: view.t(f"layer.{name}") for name in ("host", "vm")}),
    )  # fmt: skip
    if rows.is_empty():
        return None
    panels = rows.select("environment", "layer").unique().height
    columns = min(2, panels)
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(
            domain=[view.t(f"topic.{topic}") for topic in TOPICS],
            range=[TOPIC_COLOURS[topic] for topic in TOPICS],
        ),
    )
    rows = rows.with_columns(
        pl.concat_str("environment", "layer", separator=" · ").alias("where")
    )  # fmt: skip
    base = alt.Chart(rows.select("where", "what", "off", "hours"))
    x = alt.X("hours:Q", title=view.t("baselines.hours"), axis=alt.Axis(grid=False, tickCount=6))
    y = alt.Y("off:Q", title=view.t("baselines.drift_axis"), axis=alt.Axis(tickCount=5))
    zero = base.mark_rule(color=INK, strokeWidth=0.6).encode(y=alt.datum(0))
    line = base.mark_line(strokeWidth=1, opacity=0.5).encode(x=x, y=y, color=colour)
    points = base.mark_point(filled=True, size=16, opacity=0.9).encode(x=x, y=y, color=colour)
    chart = (
        (zero + line + points)
        .properties(width=WIDTH / columns - 80, height=130)
        .facet(
            facet=alt.Facet("where:N", title=None, header=alt.Header(labelAnchor="start")),
            columns=columns,
            spacing=28,
        )
    )
    return Chart(view.t("baselines.drift"), to_svg(chart))


def percentiles(view: View, levels: pl.DataFrame, title: str) -> Chart:
    """p50, p90 and p99 of the round trip, the baseline on top.

    `levels`: environment, tool, metric (`p50` …), value in µs; `tool` of a baseline is its word.
    """
    scale = alt.Scale(type="log", nice=True, zero=False)
    axis = alt.Axis(title=view.t("percentiles.axis"), tickCount=5, format="~s")
    baseline = view.t("percentiles.baseline")
    order = [baseline, *levels.filter(pl.col("tool") != baseline)["tool"].unique().sort()]
    y = alt.Y(
        "tool:N",
        sort=order,
        axis=alt.Axis(title=None, grid=True, domain=False, ticks=False, labelLimit=260),
    )
    base = alt.Chart(levels)
    span = base.mark_line(color=GRID, strokeWidth=2).encode(
        x=alt.X("value:Q", scale=scale, axis=axis), y=y, detail="tool:N"
    )
    points = base.mark_point(filled=True, size=48, opacity=1).encode(
        x=alt.X("value:Q", scale=scale, axis=axis),
        y=y,
        color=alt.Color(
            "metric:N", title=None, scale=alt.Scale(range=[SERIES[0], SERIES[1], SERIES[5]])
        ),
        shape=alt.Shape(
            "metric:N", title=None, scale=alt.Scale(range=["circle", "square", "triangle-up"])
        ),
    )
    count = levels["environment"].n_unique()
    columns = min(2, count)
    chart = (
        (span + points)
        .properties(width=(WIDTH - 240) / columns - 40, height=alt.Step(18))
        .facet(facet=alt.Facet("environment:N", title=None), columns=columns, spacing=24)
    )
    return Chart(title, to_svg(chart))
