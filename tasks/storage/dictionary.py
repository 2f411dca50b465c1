"""The data dictionary: `python -m tasks.storage.dictionary` writes datasets/README.md."""

import polars as pl

from ..model.metrics import METRICS
from ..model.names import ROOT
from .schema import PARTITION, TABLES, VERSION, Table

_TYPES: dict[pl.DataType, str] = {
    pl.String(): "text",
    pl.Float64(): "number",
    pl.Int64(): "integer",
    pl.Boolean(): "yes/no",
    pl.Datetime("us", "UTC"): "time (UTC, µs)",
}


def render() -> str:
    """The whole of datasets/README.md."""
    return "\n".join([_HEAD, *(_table(table) for table in TABLES.values()), _metrics()])


_HEAD = f"""# Datasets

Generated from `tasks/storage/schema.py` by `python -m tasks.storage.dictionary`; schema version
{VERSION}.

Parquet, one file for each table and run, in hive partitions; a run is written as a whole and
replaces its earlier rows. The partition columns are in the path, not in the file:

    {{table}}/{"/".join(f"{name}={{{name}}}" for name in PARTITION)}/data.parquet

A missing value is null, never 0. `reference/` holds published figures, not measured here.

```python
import ebpf_overhead

data = ebpf_overhead.open("datasets/parquet")
data.cells.filter(status="passed").collect()  # polars LazyFrames, one per table
data.duckdb().sql("select tool, count(*) from cells group by tool")
```
"""


def _table(table: Table) -> str:
    key = ", ".join(f"`{name}`" for name in table.key)
    lines = [
        f"## `{table.name}`",
        "",
        f"One row is {table.row}." + (f" Unique: {key}." if key else ""),
        "",
        "| column | type | unit | meaning |",
        "|---|---|---|---|",
    ]
    for column in table.columns:
        allowed = f"; one of {', '.join(f'`{value}`' for value in column.allowed)}"
        meaning = column.meaning + (allowed if column.allowed else "")
        required = " *" if column.required else ""
        lines.append(
            f"| `{column.name}`{required} | {_TYPES[column.dtype]} | {_cell(column.unit)} | "
            f"{_cell(meaning)} |"
        )
    return "\n".join([*lines, "", "\\* never null", ""])


def _metrics() -> str:
    lines = [
        "## Metrics",
        "",
        "The values of `samples.metric` and `effects.metric`.",
        "",
        "| metric | unit | better | cost as | meaning |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{metric.name}` | {metric.unit} | {metric.better} | {metric.scale} | "
        f"{_cell(metric.meaning)} |"
        for metric in METRICS.values()
    ]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    (ROOT / "datasets" / "README.md").write_text(render(), encoding="utf-8")
