"""The datasets in a notebook: `ebpf_overhead.open(path).cells`, `.duckdb()`, `.latest()`.

Installed, this package holds everything, so that no package called `tasks` or `flows` lies in a
person's environment. In a clone, tasks/ and flows/ lie at the top, and `HOME` is the clone.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

HOME = Path(__file__).resolve().parent
"""The folder that holds tasks/, flows/, config/, datasets/ and deployments/."""

if not (HOME / "tasks").is_dir():
    HOME = HOME.parents[1]
    __path__ = [*__path__, str(HOME)]

if TYPE_CHECKING:  # checked as the folders of the clone
    import duckdb

    from tasks.reporting.bundle import Bundle
    from tasks.statistics.margins import read_margins
    from tasks.storage.dataset import Dataset
    from tasks.storage.schema import PARTITION, TABLES, Table
else:
    from .tasks.reporting.bundle import Bundle
    from .tasks.statistics.margins import read_margins
    from .tasks.storage.dataset import Dataset
    from .tasks.storage.schema import PARTITION, TABLES, Table

PARQUET = Path("datasets/parquet")
"""Below the current folder, as for the commands."""


class Tables:
    """Each table of a dataset as a LazyFrame attribute; datasets/README.md lists the columns."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getattr__(self, table: str) -> pl.LazyFrame:
        if table not in TABLES:
            raise AttributeError(f"no table {table}; there are {', '.join(TABLES)}")
        return self.dataset.scan(table)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *TABLES]

    def latest(self, before: datetime | None = None) -> pl.DataFrame:
        """Rows of `runs`: the newest of each environment, or the newest that started by `before`.

        Runs without a start time are left out.
        """
        started = self.runs.filter(pl.col("started").is_not_null())
        if before is not None:
            started = started.filter(pl.col("started") <= before)
        newest = started.sort("started").unique("environment", keep="last", maintain_order=True)
        return newest.sort("environment").collect()

    def bundle(self, runs: pl.DataFrame, margins: Path | None = None) -> Bundle:
        """All tables of these `runs` (columns: environment, run), in the form the report reads."""
        return Bundle.read(self.dataset, runs.select(PARTITION).rows(), read_margins(margins))

    def duckdb(self) -> "duckdb.DuckDBPyConnection":
        """A new in-memory DuckDB with a view of each table.

        Tables in an object store are read whole, with the dataset's own options.
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
