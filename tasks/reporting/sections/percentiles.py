"""Round-trip time with each tool and in the baselines: median, 90th and 99th percentile."""

import polars as pl

from .. import charts
from ..columns import named_columns, number_column
from ..document import ReportTable, Section
from ..view import View, passed_samples

METRICS = {f"latency_{name}_us": name for name in ("p50", "p90", "p99")}


def section(view: View) -> Section | None:
    t = view.t
    levels = _levels(view)
    drawn = []
    for (layer, workload), group in sorted(levels.group_by("layer", "workload")):
        title = t(
            "percentiles.caption", layer=t(f"layer.{layer}"), workload=view.workload(workload)
        )
        drawn.append(charts.percentiles(view, group, title))
    if not drawn:
        return None
    wide = levels.pivot("metric", index=["environment", "layer", "workload", "tool"])
    columns = [
        *named_columns(t, "tool", "environment", "layer"),
        *(number_column(name, name, sub="µs") for name in METRICS.values()),
    ]
    table = ReportTable(t("percentiles.title"), columns, wide.to_dicts())
    return Section("percentiles", t("percentiles.title"), *drawn, table)


def _levels(view: View) -> pl.DataFrame:
    """environment, layer, workload, tool, metric (`p50` …), value: medians over passed cells.

    TCP only: UDP percentiles are in the datasets.
    """
    tcp = [
        n for n, shape in view.shapes.items() if (shape.kind, shape.protocol) == ("latency", "tcp")
    ]
    baseline = pl.when(pl.col("kind") == "baseline").then(pl.lit(view.t("percentiles.baseline")))
    keys = ("environment", "layer", "workload", "tool", "metric")
    return (
        passed_samples(view.bundle, METRICS)
        .filter(pl.col("workload").is_in(tcp))
        .drop_nulls("value")
        .with_columns(
            tool=baseline.otherwise(pl.col("tool")), metric=pl.col("metric").replace_strict(METRICS)
        )
        .group_by(keys)
        .agg(pl.col("value").median())
        .sort(keys)
    )
