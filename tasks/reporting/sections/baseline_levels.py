"""The load without any tool: its level, and how steady it was over the run."""

import polars as pl

from .. import charts
from ..document import Block, Cell, Column, Prose, Section, Table
from ..numbers import number, quantity
from ..view import TOPIC_OF, View

STEADY_PCT, UNSTEADY_PCT = 2.0, 5.0
"""Spread of baselines (SD in % of their mean) up to which 3 % effects are seen in a night, and
above which hardly any margin is decided."""


def baseline_values(view: View) -> pl.DataFrame:
    """Primary metrics of the passed baseline cells: environment, layer, workload, metric, value,
    started."""
    keys = ["environment", "layer", "iteration", "position", "workload", "attempt"]
    cells = view.bundle.cells.filter(
        pl.col("kind") == "baseline", pl.col("status") == "passed"
    ).select([*keys, "started"])
    samples = view.bundle.samples.filter(
        pl.col("metric").is_in(list(TOPIC_OF)), pl.col("value").is_not_null()
    )
    primary = pl.col("metric").replace_strict(TOPIC_OF, return_dtype=pl.String)
    kinds = {name: shape.kind for name, shape in view.shapes.items()}
    of_workload = pl.col("workload").replace_strict(kinds, default=None, return_dtype=pl.String)
    joined = samples.join(cells, on=keys).with_columns(primary.alias("topic"))
    return joined.filter(of_workload.is_null() | (of_workload == pl.col("topic")))


def section(view: View) -> Section:
    t = view.t
    values = baseline_values(view)
    title = t("baselines.title")
    if values.is_empty():
        return Section("baselines", title, (Prose(t("baselines.none")),))
    blocks: list[Block] = [Prose(t("baselines.lead"))]
    if drift := charts.drift(view, values):
        blocks.append(drift)
    blocks.append(_levels(view, values))
    return Section("baselines", title, blocks)


def _levels(view: View, values: pl.DataFrame) -> Table:
    t = view.t
    value = pl.col("value")
    levels = values.group_by("environment", "layer", "workload", "metric", "unit").agg(
        value.mean().alias("mean"),
        (value.std() / value.mean() * 100).alias("spread"),
        value.min().alias("low"),
        value.max().alias("high"),
        pl.len().alias("n"),
    )
    rows = [
        [
            Cell(row["environment"], sort=row["environment"]),
            Cell(t(f"layer.{row['layer']}"), sort=row["layer"]),
            Cell(view.workload(row["workload"]), sort=row["workload"]),
            Cell(quantity(row["mean"], row["unit"]), sort=row["mean"]),
            Cell(f"{quantity(row['low'], row['unit'])} – {quantity(row['high'], row['unit'])}"),
            Cell(number(row["spread"], 1), sort=row["spread"]),
            Cell(t(f"steady.{steadiness(row['spread'])}"), sort=row["spread"]),
            Cell(number(row["n"], 0), sort=row["n"]),
        ]
        for row in levels.sort("environment", "layer", "workload").iter_rows(named=True)
    ]
    columns = [
        Column(t("head.environment")),
        Column(t("head.layer")),
        Column(t("head.workload")),
        Column(t("baselines.mean"), numeric=True),
        Column(t("baselines.range"), numeric=True),
        Column(t("baselines.spread"), sub="%", numeric=True),
        Column(t("baselines.steadiness")),
        Column("n", numeric=True),
    ]
    return Table(t("baselines.levels"), columns, rows)


def steadiness(spread_pct: float | None) -> str:
    """`steady`, `moderate`, `unsteady`; `unknown` for a single baseline."""
    if spread_pct is None:
        return "unknown"
    if spread_pct <= STEADY_PCT:
        return "steady"
    return "moderate" if spread_pct <= UNSTEADY_PCT else "unsteady"
