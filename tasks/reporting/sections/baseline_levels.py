"""The load without any tool: its level, and how steady it was over the run."""

import polars as pl

from .. import charts
from ..columns import named_columns, number_column
from ..document import Cell, ReportColumn, ReportTable, Section
from ..numbers import quantity
from ..view import TOPIC_OF, Row, View, passed_samples
from .common import workload_column

STEADY_PCT, UNSTEADY_PCT = 2.0, 5.0
"""Spread of baselines (SD in % of their mean): up to the first, one night resolves effects of 3 %;
above the second, hardly any verdict is reached."""


def baseline_values(view: View) -> pl.DataFrame:
    """Primary metrics of the passed baseline cells, with the `topic` that each measures."""
    kinds = {name: shape.kind for name, shape in view.shapes.items()}
    kind = pl.col("workload").replace_strict(kinds, default=None, return_dtype=pl.String)
    topic = pl.col("metric").replace_strict(TOPIC_OF, return_dtype=pl.String)
    values = passed_samples(view.bundle, TOPIC_OF).filter(kind="baseline").drop_nulls("value")
    return values.with_columns(topic=topic).filter(kind.is_null() | (kind == pl.col("topic")))


def section(view: View) -> Section:
    t = view.t
    title = t("baselines.title")
    values = baseline_values(view)
    if values.is_empty():
        return Section("baselines", title, t("baselines.none"))
    lead = t("baselines.lead")
    return Section("baselines", title, lead, charts.drift(view, values), _levels(view, values))


def _levels(view: View, values: pl.DataFrame) -> ReportTable:
    t, value = view.t, pl.col("value")
    levels = values.group_by("environment", "layer", "workload", "metric", "unit").agg(
        mean=value.mean(),
        spread=value.std() / value.mean() * 100,
        low=value.min(),
        high=value.max(),
        n=pl.len(),
    )

    def mean(row: Row) -> Cell:
        return Cell(quantity(row["mean"], row["unit"]), sort=row["mean"])

    def span(row: Row) -> Cell:
        return Cell(f"{quantity(row['low'], row['unit'])} – {quantity(row['high'], row['unit'])}")

    def steady(row: Row) -> Cell:
        return Cell(t(f"steady.{steadiness(row['spread'])}"), sort=row["spread"])

    columns = [
        *named_columns(t, "environment", "layer"),
        workload_column(view),
        ReportColumn(t("baselines.mean"), mean, numeric=True),
        ReportColumn(t("baselines.range"), span, numeric=True),
        number_column(t("baselines.spread"), "spread", 1, sub="%"),
        ReportColumn(t("baselines.steadiness"), steady),
        number_column("n", "n", 0),
    ]
    ordered = levels.sort("environment", "layer", "workload")
    return ReportTable(t("baselines.levels"), columns, ordered.to_dicts())


def steadiness(spread_pct: float | None) -> str:
    """`steady`, `moderate`, `unsteady`; `unknown` for a single baseline."""
    if spread_pct is None:
        return "unknown"
    if spread_pct <= STEADY_PCT:
        return "steady"
    return "moderate" if spread_pct <= UNSTEADY_PCT else "unsteady"
