"""The published figures in this report's own tables: baselines, tools by environment, comparison.

They are ranges over a tool's cases, not intervals; see the README beside the files.
"""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from tasks.reporting.document import Cell, Column, Table, text_cell
from tasks.reporting.numbers import DASH, number, scaled
from tasks.reporting.texts import Lang, Texts

METRICS = (
    "latency_tcp",
    "throughput_single",
    "throughput_multi",
    "pps_single",
    "pps_multi",
    "tool_cpu",
)

CLASSES = {
    "Summary": "summary",
    "Details": "details_unfiltered",
    "Details+过滤": "details_filtered",
}


def reference_tables(directory: Path, lang: Lang) -> list[Table]:
    """The published tables of section 4.3 from `directory`'s CSV files, in the published order.

    First the baselines, then host and VM tools of each environment, last the comparison (4.3.6).
    """
    t = Texts(lang)
    baselines = pl.read_csv(directory / "baselines.csv")
    overhead = pl.read_csv(directory / "tool_overhead.csv")
    tools = [
        _tools(t, rows, str(environment), str(layer))
        for (environment, layer), rows in overhead.group_by(
            ("environment", "layer"), maintain_order=True
        )
    ]
    return [_baselines(t, baselines), *tools, _comparison(t, baselines, overhead)]


def _baselines(t: Texts, baselines: pl.DataFrame) -> Table:
    metrics = baselines["metric"].unique(maintain_order=True)
    rows = [
        [
            Cell(environment),
            *(Cell(_both(baselines, environment, metric, _exact)) for metric in metrics),
        ]
        for environment in _environments(baselines)
    ]
    heads = [Column(t(f"reference.{metric}"), numeric=True) for metric in metrics]
    return Table(t("reference.baselines"), [Column(t("head.environment")), *heads], rows)


def _tools(t: Texts, rows: pl.DataFrame, environment: str, layer: str) -> Table:
    """One layer of one environment: a row a tool, its range in each metric."""
    cells = []
    for (tool, kind), group in rows.group_by(("tool", "tool_type"), maintain_order=True):
        by_metric = {row["metric"]: row for row in group.iter_rows(named=True)}
        cells.append(
            [
                text_cell(str(tool), mark="name"),
                Cell(t(f"tool_class.{CLASSES[str(kind)]}")),
                *(_range(by_metric[metric], metric) for metric in METRICS),
            ]
        )
    caption = t("reference.tools", environment=environment, layer=t(f"layer.{layer}"))
    heads = [Column(t("head.tool")), Column(t("head.class"))]
    measures = [Column(t(f"reference.{metric}"), numeric=True) for metric in METRICS]
    return Table(caption, [*heads, *measures], cells)


def _range(row: dict[str, float | str | None], metric: str) -> Cell:
    low, high = row["low_pct"], row["high_pct"]
    if not isinstance(high, float):
        return Cell(DASH)
    if row["bound"]:
        return Cell(f"{row['bound']} {high:g} %", sort=high)
    assert isinstance(low, float)
    return Cell(_ends(low, high, signed=metric != "tool_cpu"), sort=high)


def _ends(low: float, high: float, *, signed: bool = True) -> str:
    """`−13 … −6 %`: the range as published, smaller end first."""
    ends = dict.fromkeys(_short(end, signed=signed) for end in (low, high))
    return " … ".join(ends) + " %"


def _short(value: float, *, signed: bool) -> str:
    return number(value, 0 if value == round(value) else 1, signed=signed)


def _comparison(t: Texts, baselines: pl.DataFrame, overhead: pl.DataFrame) -> Table:
    """The environments beside each other, every figure taken from the tables before."""
    environments = _environments(baselines)

    def baseline(metric: str, write: Callable[[float, str], str]) -> list[Cell]:
        return [Cell(_both(baselines, name, metric, write)) for name in environments]

    def spread(metric: str, layer: str, *which: pl.Expr) -> list[Cell]:
        chosen = overhead.filter(
            pl.col("metric") == metric, pl.col("layer") == layer, *which
        )  # fmt: skip
        return [_spread(chosen.filter(pl.col("environment") == name)) for name in environments]

    summary = pl.col("tool_type") == "Summary"
    filtered = pl.col("tool_type") == "Details+过滤"
    eth_drop = pl.col("tool") == "eth_drop"
    rows = {
        "baseline_latency": baseline("latency_tcp_rr", _rounded),
        "baseline_single": baseline("throughput_single", _rounded),
        "baseline_multi": baseline("throughput_multi", _rounded),
        "vm_summary_latency": spread("latency_tcp", "vm", summary),
        "vm_filtered_latency": spread("latency_tcp", "vm", filtered),
        "eth_drop_latency": spread("latency_tcp", "host", eth_drop),
        "eth_drop_cpu": spread("tool_cpu", "host", eth_drop),
        "vm_summary_cpu": spread("tool_cpu", "vm", summary),
    }
    columns = [Column(t("head.measure")), *(Column(name, numeric=True) for name in environments)]
    cells = [[Cell(t(f"reference.{name}")), *values] for name, values in rows.items()]
    return Table(t("reference.comparison"), columns, cells)


def _spread(rows: pl.DataFrame) -> Cell:
    """Smallest to largest published figure; `<` where only upper bounds were published."""
    known = rows.filter(pl.col("high_pct").is_not_null())
    if known.is_empty():
        return Cell(DASH)
    low, high = known.select(pl.col("low_pct").min(), pl.col("high_pct").max()).row(0)
    signed = known["metric"][0] != "tool_cpu"
    if known["bound"].is_not_null().any():
        return Cell(f"≤ {high:g} %", sort=high)
    return Cell(_ends(low, high, signed=signed), sort=high)


def _environments(baselines: pl.DataFrame) -> list[str]:
    return baselines["environment"].unique(maintain_order=True).to_list()


def _both(
    baselines: pl.DataFrame, environment: str, metric: str, write: Callable[[float, str], str]
) -> str:
    """Host / VM."""
    here = baselines.filter(pl.col("environment") == environment, pl.col("metric") == metric)
    values = {row["layer"]: write(row["value"], row["unit"]) for row in here.iter_rows(named=True)}
    return " / ".join(values.get(layer, DASH) for layer in ("host", "vm"))


def _exact(value: float, unit: str) -> str:
    if unit == "packets/s":
        return scaled(value, "/s")
    return f"{value:g} µs" if unit == "us" else f"{value:.2f} {unit}"


def _rounded(value: float, unit: str) -> str:
    return f"{value:.0f} µs" if unit == "us" else f"{value:.1f} {unit}"
