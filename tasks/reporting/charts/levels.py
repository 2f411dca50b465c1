"""Levels over time and over the distribution: baseline drift, latency percentiles."""

from functools import partial

import altair as alt
import polars as pl

from ..document import Chart
from ..view import TOPICS, View
from .style import (
    BLUE,
    GRID,
    ORANGE,
    VERMILION,
    WIDTH,
    Spec,
    chart,
    colours,
    data,
    ends,
    log_x,
    names_axis,
    overlay,
    topic_colours,
    zero,
)

NAMES = 250
"""Pixels for the tools' names."""


def drift(view: View, values: pl.DataFrame) -> Chart | None:
    """Each baseline's distance from its median over the run; TCP with one stream for each topic.

    None where no workload has two baselines.
    `values`: environment, layer, workload, topic, value, started.
    """
    single = [
        n for n, shape in view.shapes.items() if (shape.protocol, shape.streams) == ("tcp", 1)
    ]
    place = ["environment", "layer"]
    value, started = pl.col("value"), pl.col("started")
    rows = values.filter(pl.col("workload").is_in(single)).with_columns(
        off=(value / value.median().over(*place, "workload") - 1) * 100,
        hours=(started - started.min().over(place)).dt.total_seconds() / 3600,
        what=pl.col("topic").replace_strict({topic: view.t(f"topic.{topic}") for topic in TOPICS}),
    )
    if not rows.select(*place, "workload").is_duplicated().any():
        return None
    low, high = ends(rows, "off")
    drawn = [
        _drift_panel(
            view, group, f"{environment} · {view.t(f'layer.{layer}')}", max(-low, high, 1.0)
        )
        for (environment, layer), group in sorted(rows.group_by(place))
    ]
    return chart(view.t("baselines.drift"), drawn, min(2, len(drawn)))


def _drift_panel(view: View, rows: pl.DataFrame, title: str, off: float) -> Spec:
    unit, factor = ("hours", 1) if ends(rows, "hours")[1] > 2 else ("minutes", 60)
    rows = rows.select("topic", "what", "off", since=pl.col("hours") * factor).sort("since")
    y = partial(
        alt.Y,
        axis=alt.Axis(tickCount=5, title=view.t("baselines.drift_axis")),
        scale=alt.Scale(domain=[-off, off]),
    )
    time = alt.Axis(grid=False, tickCount=6, title=view.t(f"baselines.{unit}"))
    base = alt.Chart(data(rows, *rows.columns)).encode(
        x=alt.X("since:Q", axis=time),
        y=y("off:Q"),
        color=topic_colours(view, "what", rows["topic"].unique()),
    )
    line, points = base.mark_line(strokeWidth=1.2, opacity=0.6), base.mark_point(size=18)
    marks = (zero(y=y("zero:Q")), line, points)
    return overlay(*marks, width=WIDTH // 2 - 75, height=130, title=title)


def percentiles(view: View, levels: pl.DataFrame, title: str) -> Chart:
    """p50, p90 and p99 of the round trip, the baseline on top.

    `levels`: environment, tool, metric (`p50` …), value in µs. The `tool` of a baseline is the text
    of `percentiles.baseline`.
    """
    baseline = view.t("percentiles.baseline")
    tools = levels.filter(pl.col("tool") != baseline)["tool"].unique().sort()
    order = [baseline, *tools]
    x = log_x(*ends(levels, "value"), view.t("percentiles.axis"))
    metrics = alt.Scale(domain=["p50", "p90", "p99"], range=["circle", "square", "triangle-up"])
    environments = levels["environment"].unique().sort()
    columns = min(2, len(environments))
    drawn = []
    for n, environment in enumerate(environments):
        rows = levels.filter(environment=environment)
        names = names_axis(NAMES, labels=n % columns == 0)
        base = alt.Chart(data(rows, "tool", "metric", "value")).encode(
            x=x("value"),
            y=alt.Y("tool:N", sort=order, scale=alt.Scale(domain=order), axis=names),
        )
        span = base.mark_line(color=GRID, strokeWidth=3).encode(detail="tool:N")
        points = base.mark_point(size=52).encode(
            color=colours(["p50", "p90", "p99"], [BLUE, ORANGE, VERMILION], "metric"),
            shape=alt.Shape("metric:N", title=None, scale=metrics),
        )
        width = (WIDTH - NAMES) // columns - 10
        drawn.append(overlay(span, points, width=width, height={"step": 19}, title=environment))
    return chart(title, drawn, columns)
