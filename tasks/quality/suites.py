"""What every row must satisfy, as data: one suite for each table, built from its schema.

An expectation names a Great Expectations class and its arguments; `expectations.py` runs them.
Beside the tables there are views of them, each with a suite of its own: `dtypes` (the columns'
types), `units` (which metric is in which unit), `latency` (the percentiles of a cell side by side)
and `limits` (each sample that hardware limits, beside its limit).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import polars as pl

from ..model.bilingual import Bilingual
from ..model.metrics import METRICS
from ..storage.schema import CELLS, PARTITION, TABLES, Table
from .rule import Tables
from .views import nodes

MIN_FRAME_BITS = (64 + 20) * 8
"""The shortest Ethernet frame with preamble and gap, which gives the line rate in packets."""

TICK_SLACK = 1.03
"""The clock of the CPU times and that of the window are not read in the same moment."""

TICKS_S = 6 * 0.01
"""The six kinds of busy time are counted in whole ticks, each of them up to one too many."""

_CPU_METRICS = [name for name, metric in METRICS.items() if metric.unit == "% of one CPU"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation: stable id, severity, the class's name and arguments, two sentences."""

    id: str
    type: str
    arguments: dict[str, Any]
    message: Bilingual
    severity: str = "blocks"


@dataclass(frozen=True, slots=True)
class Suite:
    """The expectations of one table or view; `frame` takes it from the tables."""

    name: str
    frame: Callable[[Tables], pl.DataFrame]
    expectations: tuple[Expectation, ...]


def _structure(table: Table) -> Iterator[Expectation]:
    """What the schema says about a table: columns, required and allowed values, unique keys."""
    name = table.name
    yield Expectation(
        f"expect.{name}.columns",
        "ExpectTableColumnsToMatchSet",
        {"column_set": list(table.schema), "exact_match": True},
        Bilingual(f"Table {name}: columns differ from the schema.", f"表 {name} 的列与模式不符。"),
    )
    for column in table.columns:
        if column.required:
            yield Expectation(
                f"expect.{name}.required.{column.name}",
                "ExpectColumnValuesToNotBeNull",
                {"column": column.name},
                Bilingual(
                    f"Table {name} has rows without {column.name}.",
                    f"表 {name} 存在缺少 {column.name} 的行。",
                ),
            )
        if column.allowed:
            yield Expectation(
                f"expect.{name}.allowed.{column.name}",
                "ExpectColumnValuesToBeInSet",
                {"column": column.name, "value_set": list(column.allowed)},
                Bilingual(
                    f"Table {name}: {column.name} is none of {', '.join(column.allowed)}.",
                    f"表 {name}：{column.name} 不属于 {', '.join(column.allowed)}。",
                ),
            )
    yield Expectation(
        f"expect.{name}.unique",
        "ExpectCompoundColumnsToBeUnique",
        {"column_list": list(table.key)},
        Bilingual(
            f"Table {name} has two rows with the same key: something was counted twice.",
            f"表 {name} 存在重复键：有内容被重复计数。",
        ),
    )


def _types() -> Expectation:
    pairs = [
        (f"{table.name}.{column.name}", str(column.dtype))
        for table in TABLES.values()
        for column in table.columns
    ]
    return Expectation(
        "expect.dtypes",
        "ExpectColumnPairValuesToBeInSet",
        {"column_A": "column", "column_B": "dtype", "value_pairs_set": pairs},
        Bilingual("A column's type differs from the schema.", "列类型与模式不符。"),
    )


def _in_range(table: str, column: str, low: float, high: float | None = None) -> Expectation:
    bounds = f"[{low:g}, {'∞' if high is None else f'{high:g}'}]"
    return Expectation(
        f"expect.{table}.range.{column}",
        "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": low, "max_value": high},
        Bilingual(
            f"Table {table}: {column} outside {bounds}.", f"表 {table}：{column} 超出 {bounds}。"
        ),
    )


def _order(
    rule_id: str, low: str, high: str, message: Bilingual, severity: str = "blocks"
) -> Expectation:
    return Expectation(
        rule_id,
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {
            "column_A": high,
            "column_B": low,
            "or_equal": True,
            "ignore_row_if": "either_value_is_missing",
        },
        message,
        severity,
    )


def _ordered() -> Iterator[Expectation]:
    """Latency: min <= mean <= p99 <= max, and p50 <= p90 <= p99.

    What holds for any numbers blocks. Some percentiles only warn: netperf takes them from a
    histogram, so p99 may exceed max by a bucket, and one long stall can lift the mean above p99.
    """
    for low, high, severity in (
        ("min", "mean", "blocks"),
        ("mean", "max", "blocks"),
        ("p50", "p90", "blocks"),
        ("p90", "p99", "blocks"),
        ("mean", "p99", "warns"),
        ("p99", "max", "warns"),
    ):
        yield _order(
            f"expect.latency.{low}_{high}",
            f"latency_{low}_us",
            f"latency_{high}_us",
            Bilingual(
                f"A cell's {low} latency is above its {high}: misread, or of another run.",
                f"测量单元的 {low} 延迟高于 {high}：读取有误或来自另一批次。",
            ),
            severity,
        )


_UNIT = Expectation(
    "expect.samples.unit",
    "ExpectColumnPairValuesToBeInSet",
    {
        "column_A": "metric",
        "column_B": "unit",
        "value_pairs_set": [(metric.name, metric.unit) for metric in METRICS.values()],
    },
    Bilingual(
        "Undefined metric, or a unit other than the metric's.", "未定义的指标，或单位与定义不符。"
    ),
)

_LIMIT = _order(
    "expect.limits",
    "value",
    "limit",
    Bilingual(
        "More than the hardware can do: link speed, line rate or number of CPUs.",
        "超出硬件能力：链路速率、线速 PPS 或 CPU 数量。",
    ),
)

_EXTRA: dict[str, tuple[Expectation, ...]] = {
    "samples": (_in_range("samples", "value", 0),),
    "intervals": (_in_range("intervals", "value", 0),),
    "bpf_programs": (
        _in_range("bpf_programs", "run_time_ns", 0),
        _in_range("bpf_programs", "run_cnt", 0),
    ),
    "completeness": tuple(
        _in_range("completeness", column, 0)
        for column in ("occurred", "reported", "filtered", "lost", "missed", "unknown")
    ),
    "effects": (
        *(
            _in_range("effects", p, 0, 1)
            for p in ("p_two_sided", "p_overhead", "p_within", "p_gain", "p_positive")
        ),
        *(
            _order(f"expect.effects.{low}_{high}", low, high,
                   Bilingual(f"An effect's {low} is above its {high}.",
                             f"影响的 {low} 大于 {high}。"))
            for low, high in (("ci_low", "estimate"), ("estimate", "ci_high"))
        ),
    ),
}  # fmt: skip


def dtypes(tables: Tables) -> pl.DataFrame:
    """One row for each column of each table: `column` (table.column) and `dtype`, as text."""
    rows = [
        (f"{name}.{column}", str(dtype))
        for name, frame in tables.items()
        for column, dtype in frame.schema.items()
        if column in TABLES[name].schema
    ]
    return pl.DataFrame(rows, schema=["column", "dtype"], orient="row")


def units(tables: Tables) -> pl.DataFrame:
    """The metrics with their units, each pair once: GX checks pairs one by one, in Python."""
    return tables["samples"].select("metric", "unit").unique(maintain_order=True)


def latency(tables: Tables) -> pl.DataFrame:
    """One row for each cell with latencies: its key, its case, a column for each latency metric."""
    names = [name for name in METRICS if name.startswith("latency_")]
    values = [pl.col("value").filter(metric=name).first().alias(name) for name in names]
    place = [*CELLS.key, "case"]
    latencies = tables["samples"].filter(pl.col("metric").is_in(names))
    return latencies.group_by(place, maintain_order=True).agg(values)


def limits(tables: Tables) -> pl.DataFrame:
    """Each sample with a known hardware limit: the cell's key, case, metric, value, limit.

    Throughput and packets of the host layer are limited by the server's link, CPU times by the
    CPUs of the node on which they were read.
    """
    metric, layer = pl.col("metric"), pl.col("layer")
    link, cpus = pl.col("link_mbps") * 1e6, pl.col("cpus")
    servers = tables["cells"].select(*CELLS.key, "server", "window_s")
    ticks = 100.0 * (TICKS_S / pl.col("window_s")).fill_null(0.0)
    limit = (
        pl.when(metric.is_in(_CPU_METRICS))
        .then(100.0 * cpus * TICK_SLACK + ticks)
        .when((metric == "throughput_bps") & (layer == "host"))
        .then(link)
        .when((metric == "packets_per_s") & (layer == "host"))
        .then(link / MIN_FRAME_BITS)
    )
    return (
        tables["samples"]
        .filter(metric.is_in([*_CPU_METRICS, "throughput_bps", "packets_per_s"]))
        .join(servers, on=CELLS.key, how="left")
        .with_columns(where=pl.when(metric.is_in(_CPU_METRICS)).then("node").otherwise("server"))
        .join(
            nodes(tables),
            left_on=(*PARTITION, "where"),
            right_on=(*PARTITION, "node"),
            maintain_order="left",
        )
        .select(*CELLS.key, "case", "metric", "value", limit=limit)
        .filter(pl.col("limit").is_not_null(), pl.col("value").is_not_null())
    )


def _table_suite(table: Table) -> Suite:
    expectations = (*_structure(table), *_EXTRA.get(table.name, ()))
    return Suite(table.name, itemgetter(table.name), expectations)


SUITES: tuple[Suite, ...] = (
    *(_table_suite(table) for table in TABLES.values() if table.name != "checks"),
    Suite("dtypes", dtypes, (_types(),)),
    Suite("units", units, (_UNIT,)),
    Suite("latency", latency, tuple(_ordered())),
    Suite("limits", limits, (_LIMIT,)),
)
"""All suites. The table `checks` has none: it holds their results."""
