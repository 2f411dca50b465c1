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

from ..model.metrics import METRICS, Better
from ..model.names import as_id
from .bundle import Bundle
from .markdown import markdown_table
from .numbers import number, percent
from .texts import Lang, Texts
from .view import passed_samples

_TOPIC_METRICS: Mapping[str, tuple[str, ...]] = {
    "throughput": ("throughput_bps", "retransmits", "lost_pct"),
    "latency": (*(m for m in METRICS if m.startswith("latency_")), "transactions_per_s"),
    "pps": ("writes_per_s", "datagrams_per_s", "packets_per_s", "client_packets_per_s"),
    "resources": (
        "tool_cpu_pct", "tool_cpu_pidstat_pct", "tool_cpu_peak_pct",
        "tool_rss_mib", "tool_rss_peak_mib", "tool_vsz_mib", "log_mib_per_min",
    ),
}  # fmt: skip
"""What each file holds, in the order of the files."""


def write_overviews(bundle: Bundle, output: Path, lang: Lang = "en") -> list[Path]:
    """Writes the files of every tool in every iteration; returns their paths.

    Several runs of one environment have a folder each, as they have a column each in the report.
    """
    bundle = bundle.told_apart()
    written = []
    dates = dict(bundle.runs.select("environment", pl.col("started").dt.date()).iter_rows())
    for (environment, iteration, tool), rows in _values(bundle).group_by(
        ("environment", "iteration", "tool"), maintain_order=True
    ):
        date = dates.get(environment) or bundle.generated_at.date()
        place = f"iteration_{iteration:03d}"
        folder = output / f"{date:%Y-%m-%d}-{as_id(str(environment))}" / place
        folder.mkdir(parents=True, exist_ok=True)
        by_topic = {
            topic: part
            for topic in _TOPIC_METRICS
            if (part := rows.filter(topic=topic).drop("topic")).height
        }
        for topic, part in by_topic.items():
            path = folder / f"{as_id(str(tool))}_{topic}_{place}.csv"
            part.drop("environment", "iteration", "tool").write_csv(path)
            written.append(path)
        t = Texts(lang)
        title = t("overview.title", tool=tool, iteration=f"{iteration:03d}")
        path = folder / f"{as_id(str(tool))}_overview_{place}.md"
        path.write_text(_markdown(t, title, by_topic), "utf-8")
        written.append(path)
    return written


def _values(bundle: Bundle) -> pl.DataFrame:
    """Every value of every passed tool cell beside its iteration's mean baseline.

    Columns: environment, iteration, tool, topic, layer, case, protocol, direction, workload,
    started, ended, metric, unit, value, baseline_mean, cost_pct (positive is worse).
    """
    topics = {name: topic for topic, names in _TOPIC_METRICS.items() for name in names}
    place = ["environment", "layer", "iteration", "workload", "metric"]
    values = passed_samples(bundle, topics)
    baselines = values.filter(kind="baseline").group_by(place).agg(baseline_mean=pl.mean("value"))
    change = (pl.col("value") / pl.col("baseline_mean") - 1) * 100
    more = [name for name, metric in METRICS.items() if metric.better is Better.MORE]
    cost = pl.when(pl.col("metric").is_in(more)).then(-change).otherwise(change)
    return (
        values.filter(pl.col("kind") != "baseline")
        .join(baselines, on=place, how="left")
        .select(
            "environment", "iteration", "tool",
            pl.col("metric").replace_strict(topics, return_dtype=pl.String).alias("topic"),
            "layer", "case", "protocol", "direction", "workload", "started", "ended", "metric",
            "unit", "value", "baseline_mean",
            pl.when(pl.col("baseline_mean") > 0).then(cost).alias("cost_pct"),
        )
        .sort("environment", "iteration", "tool", "layer", "case", "workload", "metric")
    )  # fmt: skip


def _markdown(t: Texts, title: str, by_topic: Mapping[str, pl.DataFrame]) -> str:
    """A table for each topic, a row for each case, workload and metric."""
    names = ("layer", "case", "workload", "metric", "value", "baseline", "cost")
    parts = [f"# {title}", t("overview.lead")]
    for topic, rows in by_topic.items():
        texts = [
            (
                t(f"layer.{row['layer']}"),
                row["case"],
                row["workload"],
                f"{row['metric']} ({row['unit']})",
                number(row["value"]),
                number(row["baseline_mean"]),
                percent(row["cost_pct"]),
            )
            for row in rows.iter_rows(named=True)
        ]
        parts.append(f"## {t('resources.title' if topic == 'resources' else f'topic.{topic}')}")
        parts.append(
            markdown_table([t(f"head.{name}") for name in names], texts, numeric=3).strip()
        )
    return "\n\n".join(parts) + "\n"
