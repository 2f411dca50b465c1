"""Levels over the nights: a panel a workload, a line a case, a rule where something changed."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from ..document import Chart
from .style import INK, MUTED, WIDTH, chart, data, ends, overlay, series

FEWEST, MOST = 3, 5
"""Panels side by side; with fewer, a panel is no wider."""

HEIGHT = 110
LEAST_SPAN = 0.04
"""Of the level: an axis is never narrower, so that quiet nights look quiet."""

_DASHES = {"level": [1, 0], "epoch": [3, 3]}


def over_nights(
    title: str,
    rows: pl.DataFrame,
    changes: pl.DataFrame,
    titles: Mapping[str, tuple[str, str]],
    ticks: str = "",
) -> Chart:
    """A panel for each of `titles` (workload -> title and unit), in their order.

    `rows`: workload, name, night, epoch, level; a line is not drawn across epochs. `changes`:
    workload, at, kind ("level" or "epoch"). `ticks` is the format of the levels' axis.
    """
    rows = rows.sort("name", "night").with_columns(
        part=pl.col("epoch").rle_id().over("workload", "name")
    )
    names = rows["name"].unique().sort().to_list()
    colour = series(names, "name").legend(
        None if len(names) == 1 else alt.Legend(columns=3, labelLimit=360, title=None)
    )
    y = alt.Axis(title=None, tickCount=4, format=ticks or alt.Undefined)
    nights = rows["night"].sort()
    time = alt.X(
        "night:T",
        scale=alt.Scale(
            type="utc", domain=[night.isoformat() for night in (nights[0], nights[-1])]
        ),
        axis=alt.Axis(title=None, tickCount=4, grid=False, format="%m-%d", labelOverlap=True),
    )
    columns = max(FEWEST, min(MOST, len(titles)))
    width = WIDTH // columns - 62
    drawn = []
    for workload, (name, unit) in titles.items():
        own = pl.col("workload") == workload
        marks = _marks(rows.filter(own), changes.filter(own), time, y, colour)
        above = {"text": name, "subtitle": unit, "subtitleColor": MUTED, "limit": width + 40}
        drawn.append(overlay(*marks, width=width, height=HEIGHT, title=above))
    return chart(title, drawn, columns, spacing=20)


def _marks(
    rows: pl.DataFrame, changes: pl.DataFrame, time: alt.X, axis: alt.Axis, colour: alt.Color
) -> list[alt.Chart]:
    y = alt.Y("level:Q", axis=axis, scale=alt.Scale(domain=_span(rows["level"]), nice=False))
    base = alt.Chart(data(rows, "name", "night", "level", "part")).encode(x=time, y=y, color=colour)
    line = base.mark_line(strokeWidth=1.2, opacity=0.6).encode(detail="part:N")
    return [*_rules(changes, time), line, base.mark_point(size=16)]


def _rules(changes: pl.DataFrame, time: alt.X) -> list[alt.Chart]:
    """Where a level changed, solid; where an epoch began, dashed."""
    at = changes.select("kind", night="at").unique(maintain_order=True)
    return [
        alt.Chart(data(at.filter(pl.col("kind") == kind), "night"))
        .mark_rule(color=INK if kind == "level" else MUTED, strokeDash=dashes, strokeWidth=1.1)
        .encode(x=time)
        for kind, dashes in _DASHES.items()
    ]


def _span(levels: pl.Series) -> list[float]:
    """Axis that holds all levels, at least LEAST_SPAN wide."""
    low, high = ends(levels.to_frame(), levels.name)
    middle = (low + high) / 2
    half = max((high - low) / 2 * 1.1, abs(middle) * LEAST_SPAN / 2)
    return [middle - half, middle + half]
