"""The published figures, checked by the same rules as measured data.

The published tables give ranges, not intervals: the lowest and the highest of a tool's cases. A
range is taken for an interval here, so that the same rules apply; `n`, p-values and verdicts are
missing. The published name of a metric (`throughput_single`, `tool_cpu`) is the workload while
rules run, and the metric in the findings.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from ..model.bilingual import Bilingual
from ..model.errors import InputError
from ..model.metrics import METRICS, Better
from ..storage.schema import CELLS, CHECKS, EFFECTS, SAMPLES
from .checks import run_rules
from .comparative import beside_later
from .rule import KEYS, Rule, Tables
from .rules import RULES

LATER = "published"
FIRST = "first-validation"

_METRIC = {
    "latency_tcp": "latency_mean_us",
    "throughput_single": "throughput_bps",
    "throughput_multi": "throughput_bps",
    "pps_single": "writes_per_s",
    "pps_multi": "writes_per_s",
    "tool_cpu": "tool_cpu_pct",
    # the first validation names no stream count
    "latency": "latency_mean_us",
    "throughput": "throughput_bps",
    # baselines
    "latency_tcp_rr": "latency_mean_us",
    "latency_udp_rr": "latency_mean_us",
}
_TO_OURS = {"us": 1.0, "Gbit/s": 1e9, "packets/s": 1.0}

_COLUMNS = {
    "tool_overhead.csv": ("environment", "layer", "tool", "metric", "low_pct", "high_pct", "bound"),
    "baselines.csv": ("environment", "layer", "metric", "value", "unit"),
    "first_validation.csv": (
        "tool",
        "variant",
        "latency_low_pct",
        "latency_high_pct",
        "throughput_low_pct",
        "throughput_high_pct",
    ),
}


def check_reference(directory: Path) -> pl.DataFrame:
    """All findings in the published figures of `directory`, as rows of `checks`.

    Failed checks only, the most severe first. Raises InputError for a missing file or column.
    """
    later = read_tool_overhead(directory)
    first = read_first_validation(directory, later)
    tables = {"effects": pl.concat([later, first]), **read_baselines(directory)}
    checks = run_rules(tables, (*RULES, *_OWN_RULES))
    order = pl.col("severity").replace_strict({"blocks": 0, "warns": 1, "informs": 2})
    return (
        checks.filter(status="failed")
        .with_columns(metric=pl.coalesce("workload", "metric"), workload=pl.lit(None, pl.String))
        .sort(order, "rule_id", *KEYS, maintain_order=True)
        .select(CHECKS.schema.names())
    )


def read_tool_overhead(directory: Path) -> pl.DataFrame:
    """`tool_overhead.csv` as effects: a published change becomes a cost, positive is worse."""
    effects = []
    for row in _read(directory, "tool_overhead.csv").iter_rows(named=True):
        low = 0.0 if row["bound"] == "<" else row["low_pct"]  # "<0.1%": CPU time is not below 0
        place = {"environment": row["environment"], "run": LATER, "layer": row["layer"]}
        tool = row["tool"]
        effects.append(place | _effect(tool, tool, row["metric"], low, row["high_pct"]))
    return EFFECTS.frame(effects)


def read_first_validation(directory: Path, later: pl.DataFrame) -> pl.DataFrame:
    """`first_validation.csv` as effects on latency and throughput.

    It names no layer; a tool is given the layer that it has in the later figures.
    """
    of_vms = set(later.filter(layer="vm")["tool"])
    effects = []
    for row in _read(directory, "first_validation.csv").iter_rows(named=True):
        layer = "vm" if row["tool"] in of_vms else "host"
        case = f"{row['tool']} ({row['variant']})" if row["variant"] else row["tool"]
        for metric in ("latency", "throughput"):
            low, high = row[f"{metric}_low_pct"], row[f"{metric}_high_pct"]
            place = {"environment": FIRST, "run": FIRST, "layer": layer}
            effects.append(place | _effect(row["tool"], case, metric, low, high))
    return EFFECTS.frame(effects)


def read_baselines(directory: Path) -> dict[str, pl.DataFrame]:
    """`baselines.csv` as cells and samples: one baseline for each environment, layer, metric."""
    cells, samples = [], []
    for position, row in enumerate(_read(directory, "baselines.csv").iter_rows(named=True)):
        metric = METRICS[_METRIC[row["metric"]]]
        cell = {
            "environment": row["environment"],
            "run": LATER,
            "layer": row["layer"],
            "iteration": 1,
            "position": position,
            "case": "baseline",
            "workload": row["metric"],
            "attempt": 1,
        }
        cells.append(cell | {"kind": "baseline", "status": "passed"})
        value = row["value"] * _TO_OURS[row["unit"]]
        samples.append(cell | {"metric": metric.name, "value": value, "unit": metric.unit})
    return {"cells": CELLS.frame(cells), "samples": SAMPLES.frame(samples)}


def _effect(
    tool: str, case: str, published: str, low: float | None, high: float | None
) -> dict[str, object]:
    metric = METRICS[_METRIC[published]]
    if metric.better is Better.MORE and low is not None and high is not None:
        low, high = -high, -low
    return {
        "case": case,
        "tool": tool,
        "kind": "tool",
        "workload": published,
        "metric": metric.name,
        "unit": "%",
        "scale": metric.scale.value,
        "primary": published != "tool_cpu",
        "ci_low": low,
        "ci_high": high,
        "estimate": None if low is None or high is None else (low + high) / 2,
    }


def _read(directory: Path, name: str) -> pl.DataFrame:
    path = directory / name
    if not path.is_file():
        raise InputError(str(path), "", "no such file", "the published figures")
    try:
        table = pl.read_csv(path, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputError(str(path), "", f"cannot be read: {reason}", "a CSV table") from error
    for column in _COLUMNS[name]:
        if column not in table.columns:
            raise InputError(str(path), column, "column is missing", ", ".join(_COLUMNS[name]))
    return table


def _first_not_reproduced(tables: Tables) -> pl.DataFrame:
    """The first validation's gains beside all later figures of the tool for the same metric."""
    effects = tables["effects"].filter("primary")
    gains = effects.filter(pl.col("run") == FIRST, pl.col("ci_high") < 0)
    return beside_later(gains, effects.filter(run=LATER), ["layer", "tool", "metric"])


def _value_missing(tables: Tables) -> pl.DataFrame:
    """Figures that the published tables give as N/A."""
    return tables["effects"].select(
        *EFFECTS.key,
        "tool",
        failed=pl.col("ci_high").is_null(),
        observed=pl.lit("N/A"),
        expected=pl.lit("a number"),
        expected_zh=pl.lit("数值"),
    )


_OWN_RULES: Sequence[Rule] = (
    replace(
        next(rule for rule in RULES if rule.id == "comparative.not_reproduced"),
        judge=_first_not_reproduced,
    ),
    Rule(
        "reference.value_missing",
        "informs",
        _value_missing,
        Bilingual(
            "{tool}, {workload}: published as {observed}.",
            "{tool}，{workload}：公布值为 {observed}。",
        ),
        Bilingual("Measure it: a missing figure is not a zero.", "请重新测量：缺失不等于零。"),
    ),
)
