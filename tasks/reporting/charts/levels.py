"""Levels over time and over the distribution: baseline drift, latency percentiles."""

import altair as alt
import polars as pl

from ..document import Chart
from ..view import TOPICS, View
from .style import (
    BLUE,
    GRID,
    INK,
    ORANGE,
    TOPIC_COLOURS,
    VERMILION,
    WIDTH,
    Spec,
    colours,
    data,
    log_scale,
    names_axis,
    overlay,
    panels,
    to_svg,
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
    rows = values.filter(pl.col("workload").is_in(single)).with_columns(
        _off_median().alias("off"),
        _seconds(place).alias("seconds"),
        pl.col("topic").replace_strict(_topic_words(view)).alias("what"),
    )
    if rows.is_empty() or not rows.select("layer", "environment", "workload").is_duplicated().any():
        return None
    off = rows["off"].abs().max()
    assert isinstance(off, float)
    drawn = [
        _drift_panel(view, group, f"{environment} · {view.t(f'layer.{layer}')}", max(off, 1.0))
        for (environment, layer), group in sorted(rows.group_by(place))
    ]
    return Chart(view.t("baselines.drift"), to_svg(panels(drawn, min(2, len(drawn)))))


def _off_median() -> pl.Expr:
    median = pl.col("value").median().over("environment", "layer", "workload")
    return (pl.col("value") / median - 1) * 100


def _seconds(place: list[str]) -> pl.Expr:
    return (pl.col("started") - pl.col("started").min().over(place)).dt.total_seconds()


def _topic_words(view: View) -> dict[str, str]:
    return {topic: view.t(f"topic.{topic}") for topic in TOPICS}


def _drift_panel(view: View, rows: pl.DataFrame, title: str, off: float) -> Spec:
    names = _topic_words(view)
    colour = colours(list(names.values()), [TOPIC_COLOURS[topic] for topic in names], "what")
    unit = "hours" if rows.select(pl.max("seconds")).item() > 2 * 3600 else "minutes"
    rows = rows.with_columns(since=pl.col("seconds") / {"hours": 3600, "minutes": 60}[unit])
    title_of_x = view.t(f"baselines.{unit}")
    x = alt.X("since:Q", axis=alt.Axis(grid=False, tickCount=6, title=title_of_x))
    y = alt.Y(
        "off:Q",
        axis=alt.Axis(tickCount=5, title=view.t("baselines.drift_axis")),
        scale=alt.Scale(domain=[-off, off]),
    )
    base = alt.Chart(data(rows.sort("since"), "what", "off", "since"))
    zero = alt.Chart(alt.Data(values=[{"off": 0}])).mark_rule(color=INK, strokeWidth=0.7)
    line = base.mark_line(strokeWidth=1.2, opacity=0.6).encode(x=x, y=y, color=colour)
    points = base.mark_point(filled=True, size=18, opacity=1).encode(x=x, y=y, color=colour)
    return overlay(zero.encode(y=y), line, points, width=WIDTH // 2 - 75, height=130, title=title)


def percentiles(view: View, levels: pl.DataFrame, title: str) -> Chart:
    """p50, p90 and p99 of the round trip, the baseline on top.

    `levels`: environment, tool, metric (`p50` …), value in µs; `tool` of a baseline is its word.
    """
    baseline = view.t("percentiles.baseline")
    tools = levels.filter(pl.col("tool") != baseline)["tool"].unique().sort()
    order = [baseline, *tools]
    scale, ticks = log_scale(*levels.select(low=pl.min("value"), high=pl.max("value")).row(0))
    axis = alt.Axis(title=view.t("percentiles.axis"), values=ticks, format="~s")
    metrics = alt.Scale(domain=["p50", "p90", "p99"], range=["circle", "square", "triangle-up"])
    environments = levels["environment"].unique().sort()
    columns = min(2, len(environments))
    drawn = []
    for n, environment in enumerate(environments):
        rows = levels.filter(pl.col("environment") == environment)
        base = alt.Chart(data(rows, "tool", "metric", "value"))
        named = names_axis(NAMES) if n % columns == 0 else alt.Axis(
            title=None, grid=True, domain=False, ticks=False, labels=False
        )  # fmt: skip
        y = alt.Y("tool:N", sort=order, scale=alt.Scale(domain=order), axis=named)
        x = alt.X("value:Q", scale=scale, axis=axis)
        span = base.mark_line(color=GRID, strokeWidth=3).encode(x=x, y=y, detail="tool:N")
        points = base.mark_point(filled=True, size=52, opacity=1).encode(
            x=x,
            y=y,
            color=colours(["p50", "p90", "p99"], [BLUE, ORANGE, VERMILION], "metric"),
            shape=alt.Shape("metric:N", title=None, scale=metrics),
        )
        width = (WIDTH - NAMES) // columns - 10
        drawn.append(overlay(span, points, width=width, height={"step": 19}, title=environment))
    return Chart(title, to_svg(panels(drawn, columns)))
