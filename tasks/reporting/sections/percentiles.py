"""Round trips with each tool: median, 90th and 99th percentile beside the baseline's."""

import polars as pl

from .. import charts
from ..document import Block, Cell, Column, Section, Table
from ..view import View
from .common import number_cell

METRICS = {f"latency_{name}_us": name for name in ("p50", "p90", "p99")}


def section(view: View) -> Section | None:
    t = view.t
    levels = _levels(view)
    blocks: list[Block] = []
    for (layer, workload), group in sorted(levels.group_by("layer", "workload")):
        title = t(
            "percentiles.caption",
            layer=t(f"layer.{layer}"),
            workload=view.workload(str(workload)),
        )
        blocks.append(charts.percentiles(view, group, title))
    if not blocks:
        return None
    return Section("percentiles", t("percentiles.title"), (*blocks, _table(view, levels)))


def _levels(view: View) -> pl.DataFrame:
    """environment, layer, workload, tool, metric (`p50` …), value: medians over passed cells.

    TCP only: UDP percentiles are in the datasets.
    """
    keys = ["environment", "layer", "iteration", "position", "workload", "attempt"]
    tcp = [
        n for n, shape in view.shapes.items() if (shape.kind, shape.protocol) == ("latency", "tcp")
    ]
    cells = view.bundle.cells.filter(pl.col("status") == "passed", pl.col("workload").is_in(tcp))
    baseline = pl.when(pl.col("kind") == "baseline").then(pl.lit(view.t("percentiles.baseline")))
    named = cells.select(*keys, baseline.otherwise(pl.col("tool")).alias("tool"))
    samples = view.bundle.samples.filter(
        pl.col("metric").is_in(list(METRICS)), pl.col("value").is_not_null()
    )
    return (
        samples.join(named, on=keys)
        .with_columns(pl.col("metric").replace_strict(METRICS))
        .group_by("environment", "layer", "workload", "tool", "metric")
        .agg(pl.col("value").median())
        .sort("environment", "layer", "workload", "tool", "metric")
    )


def _table(view: View, levels: pl.DataFrame) -> Table:
    t = view.t
    wide = levels.pivot("metric", index=["environment", "layer", "workload", "tool"])
    rows = [
        [
            Cell(row["tool"], sort=row["tool"], mark="name"),
            Cell(row["environment"], sort=row["environment"]),
            Cell(t(f"layer.{row['layer']}"), sort=row["layer"]),
            *(number_cell(row.get(name)) for name in METRICS.values()),
        ]
        for row in wide.iter_rows(named=True)
    ]
    heads = [Column(t(f"head.{key}")) for key in ("tool", "environment", "layer")]
    measures = [Column(name, sub="µs", numeric=True) for name in METRICS.values()]
    return Table(t("percentiles.title"), [*heads, *measures], rows)
