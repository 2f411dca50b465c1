"""The datasets in a notebook: `datasets.open(path).cells`, `.duckdb()`, `.latest()`."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tasks.model.names import DATASETS, MARGINS_FILE
from tasks.reporting.bundle import Bundle
from tasks.statistics.margins import read_margins
from tasks.storage.dataset import Dataset
from tasks.storage.schema import PARTITION, TABLES, Table

if TYPE_CHECKING:
    import duckdb

PARQUET = DATASETS / "parquet"


class Tables:
    """Each table of a dataset as a LazyFrame attribute; columns are told in datasets/README.md."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getattr__(self, table: str) -> pl.LazyFrame:
        if table not in TABLES:
            raise AttributeError(f"no table {table}; there are {', '.join(TABLES)}")
        return self.dataset.scan(table)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *TABLES]

    def latest(self, before: datetime | None = None) -> pl.DataFrame:
        """The newest run of each environment, or the newest that began by `before`: a row of `runs`
        for each. Runs that do not know when they began are left out."""
        began = self.runs.filter(pl.col("started").is_not_null())
        if before is not None:
            began = began.filter(pl.col("started") <= before)
        newest = began.sort("started").unique("environment", keep="last", maintain_order=True)
        return newest.sort("environment").collect()

    def bundle(self, runs: pl.DataFrame, margins: Path = MARGINS_FILE) -> Bundle:
        """All tables of these `runs` (columns: environment, run), as the report takes them."""
        return Bundle.read(self.dataset, runs, read_margins(margins))

    def duckdb(self) -> "duckdb.DuckDBPyConnection":
        """A new in-memory DuckDB with a view of each table.

        Of an object store the tables are read whole, through the dataset's own options.
        """
        import duckdb

        connection = duckdb.connect()
        for name, table in TABLES.items():
            files = self.dataset.files(name)
            if files and "://" not in files[0]:
                connection.execute(f"create view {name} as {_select(table, files)}")
            else:
                connection.register(name, self.dataset.scan(name).collect().to_arrow())
        return connection


def open(root: str | Path = PARQUET, options: Mapping[str, Any] | None = None) -> Tables:
    """The dataset below `root`: a folder, or `s3://…` with fsspec's options."""
    return Tables(Dataset(root, options))


def _select(table: Table, files: list[str]) -> str:
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    types = ", ".join(f"'{name}': varchar" for name in PARTITION)  # else run=007 becomes 7
    columns = ", ".join(f'"{name}"' for name in table.schema)
    return (
        f"select {columns} from read_parquet([{listed}], hive_partitioning=true, "
        f"hive_types={{{types}}}, union_by_name=true)"
    )
