"""Per-tool files of single iterations, where the published framework puts them.

    {output}/{date}-{environment}/iteration_{NNN}/
        {tool}_overview_iteration_{NNN}.md
        {tool}_{latency|throughput|pps|resources}_iteration_{NNN}.csv

Values as measured, beside the mean of the iteration's own baselines. No verdict is taken from one
iteration: that is the report's.
"""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from ..model.metrics import METRICS
from ..model.names import as_id
from .bundle import Bundle
from .numbers import number, percent
from .texts import Lang, Texts
from .view import TOPICS

RESOURCES = (
    "tool_cpu_pct",
    "tool_cpu_peak_pct",
    "tool_rss_mib",
    "tool_vsz_mib",
    "log_mib_per_min",
)

_TOPIC_METRICS: Mapping[str, tuple[str, ...]] = {
    "latency": tuple(
        name for name in METRICS if name.startswith("latency_") or name == "transactions_per_s"
    ),
    "throughput": ("throughput_bps", "retransmits", "lost_pct"),
    "pps": ("writes_per_s", "datagrams_per_s", "packets_per_s", "client_packets_per_s"),
    "resources": RESOURCES,
}

_KEY = ("environment", "layer", "iteration", "position", "case", "workload", "attempt")


def write_overviews(bundle: Bundle, output: Path, lang: Lang = "en") -> list[Path]:
    """Writes the files of every tool in every iteration; returns their paths."""
    written = []
    values = _values(bundle)
    dates = dict(bundle.runs.select("environment", pl.col("started").dt.date()).iter_rows())
    for (environment, iteration, tool), rows in values.group_by(
        ("environment", "iteration", "tool"), maintain_order=True
    ):
        date = dates.get(environment) or bundle.generated_at.date()
        number_ = f"{iteration:03d}"
        folder = output / f"{date:%Y-%m-%d}-{as_id(str(environment))}" / f"iteration_{number_}"
        folder.mkdir(parents=True, exist_ok=True)
        stem = as_id(str(tool))
        for topic in (*TOPICS, "resources"):
            if (part := rows.filter(pl.col("topic") == topic)).height:
                path = folder / f"{stem}_{topic}_iteration_{number_}.csv"
                part.drop("topic", "environment", "iteration", "tool").write_csv(path)
                written.append(path)
        path = folder / f"{stem}_overview_iteration_{number_}.md"
        path.write_text(_markdown(rows, str(tool), number_, Texts(lang)), "utf-8")
        written.append(path)
    return written


def _values(bundle: Bundle) -> pl.DataFrame:
    """Every value of every passed tool cell beside its iteration's mean baseline.

    Columns: environment, iteration, tool, topic, layer, case, protocol, direction, workload,
    started, ended, metric, unit, value, baseline_mean, change_pct.
    """
    cells = bundle.cells.filter(pl.col("status") == "passed")
    topics = {name: topic for topic, names in _TOPIC_METRICS.items() for name in names}
    samples = bundle.samples.filter(pl.col("metric").is_in(list(topics))).with_columns(
        pl.col("metric").replace_strict(topics, return_dtype=pl.String).alias("topic")
    )
    joined = samples.join(
        cells.select(*_KEY, "kind", "tool", "protocol", "direction", "started", "ended"),
        on=list(_KEY),
    )
    place = ["environment", "layer", "iteration", "workload", "metric"]
    baselines = (
        joined.filter(pl.col("kind") == "baseline")
        .group_by(place)
        .agg(pl.col("value").mean().alias("baseline_mean"))
    )
    change = (pl.col("value") / pl.col("baseline_mean") - 1) * 100
    return (
        joined.filter(pl.col("kind") != "baseline")
        .join(baselines, on=place, how="left")
        .with_columns(pl.when(pl.col("baseline_mean") > 0).then(change).alias("change_pct"))
        .select(
            "environment", "iteration", "tool", "topic", "layer", "case", "protocol", "direction",
            "workload", "started", "ended", "metric", "unit", "value", "baseline_mean",
            "change_pct",
        )
        .sort("environment", "iteration", "tool", "layer", "case", "workload", "metric")
    )  # fmt: skip


def _markdown(rows: pl.DataFrame, tool: str, iteration: str, t: Texts) -> str:
    """A table for each topic, a row for each case, workload and metric."""
    parts = [f"# {t('overview.title', tool=tool, iteration=iteration)}", t("overview.lead")]
    heads = ("layer", "case", "workload", "metric", "value", "baseline", "difference")
    for topic in (*TOPICS, "resources"):
        part = rows.filter(pl.col("topic") == topic)
        if part.is_empty():
            continue
        lines = ["| " + " | ".join(t(f"head.{name}") for name in heads) + " |"]
        lines.append("| --- | --- | --- | --- | ---: | ---: | ---: |")
        for row in part.iter_rows(named=True):
            words = (
                t(f"layer.{row['layer']}"),
                row["case"],
                row["workload"],
                f"{row['metric']} ({row['unit']})",
                number(row["value"]),
                number(row["baseline_mean"]),
                percent(row["change_pct"]),
            )
            lines.append("| " + " | ".join(words) + " |")
        title = t(f"topic.{topic}") if topic in TOPICS else t("resources.title")
        parts += [f"## {title}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"
