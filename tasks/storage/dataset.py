"""The dataset: parquet, hive partitions by environment and run, one file for each table and run.

    {root}/{table}/environment={environment}/run={run}/data.parquet

A run is written as a whole and replaces its earlier rows, so ingesting the same raw tree again
changes nothing. All its files are staged before the first is renamed, and `runs` is renamed last:
a run that `runs` lists is complete. Each file records the schema version it was written with.
"""

import io
import re
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import polars as pl

from ..model.errors import DatasetError
from ..model.names import ID_PATTERN, RunKey
from .migration import migrated
from .schema import PARTITION, RUNS, TABLES, VERSION
from .store import open_store
from .validity import refuse_invalid

_VERSION_KEY = "ebpf-overhead-schema"
_NAME = re.compile(r"[^/]+/environment=[^/]+/run=[^/]+/data\.parquet")
_HIVE: dict[str, Any] = dict.fromkeys(PARTITION, pl.String)


class Dataset:
    """All tables below one root: a folder, or an object store's URL with fsspec's options."""

    def __init__(self, root: str | Path, options: Mapping[str, Any] | None = None) -> None:
        self.root = str(root)
        self._store = open_store(root, options)

    def replace(self, environment: str, run: str, tables: Mapping[str, pl.DataFrame]) -> None:
        """Replaces the run's rows in `tables` (by name, in the schema's columns).

        Tables that are not named stay as they are. DatasetError if a frame violates the schema or
        cannot be written; nothing has changed then.
        """
        self.replace_all({(environment, run): tables})

    def replace_all(self, runs: Mapping[RunKey, Mapping[str, pl.DataFrame]]) -> None:
        """`replace` for several (environment, run) at once: either all are replaced or none."""
        for (environment, run), tables in runs.items():
            for name in (environment, run):
                if not re.fullmatch(ID_PATTERN, name) or name.startswith("."):
                    raise DatasetError(f"{name!r} cannot name an environment or a run")
            for name, frame in tables.items():
                refuse_invalid(TABLES[name], frame, environment, run)
        files = {
            _file(name, *key): _parquet(frame)
            for key, tables in runs.items()
            for name, frame in tables.items()
        }
        listed = f"{RUNS.name}/"
        self._store.publish(
            dict(sorted(files.items(), key=lambda file: file[0].startswith(listed)))
        )

    def scan(self, table: str) -> pl.LazyFrame:
        """All rows of `table`, in the schema's columns; no rows if nothing was written yet.

        DatasetError names a file that is truncated, foreign, or of a later schema version.
        """
        shape = TABLES[table]
        files = self.files(table)
        if not files:
            return shape.frame().lazy()
        stored = {k: v for k, v in shape.schema.items() if k not in PARTITION}
        rows = pl.scan_parquet(
            files,
            hive_partitioning=True,
            hive_schema=_HIVE,
            schema=stored,
            missing_columns="insert",
            extra_columns="ignore",
            storage_options=self._store.storage_options,
        )
        return migrated(table, rows).select(shape.schema.names())

    def rows(self, table: str, keys: Iterable[RunKey]) -> pl.DataFrame:
        """The rows of `table` that belong to these (environment, run), in the order of `scan`.

        Files of other runs are not read beyond their metadata. Raises what `scan` raises.
        """
        wanted = (
            (pl.col("environment") == environment) & (pl.col("run") == run)
            for environment, run in keys
        )
        return self.scan(table).filter(reduce(or_, wanted, pl.lit(False))).collect()

    def files(self, table: str) -> list[str]:
        """The files that `scan` reads, as paths or URLs. Raises DatasetError for a foreign file."""
        urls = []
        for name in self._store.files(table):
            url = self._store.url(name)
            if not _NAME.fullmatch(name):
                raise DatasetError(f"{url}: not a file of this dataset; move it away")
            self._refuse_foreign(url)
            urls.append(url)
        return urls

    def _refuse_foreign(self, url: str) -> None:
        try:
            found = pl.read_parquet_metadata(url, storage_options=self._store.storage_options)
        except (pl.exceptions.PolarsError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise DatasetError(
                f"{url}: truncated or not parquet ({reason}); remove it and ingest its tree again"
            ) from error
        version = found.get(_VERSION_KEY, "")
        if not version.isdigit():
            raise DatasetError(f"{url}: not written by this program; move it away")
        if int(version) > VERSION:
            raise DatasetError(
                f"{url}: schema version {version}, this program knows {VERSION}; update it"
            )


def _file(table: str, environment: str, run: str) -> str:
    return f"{table}/environment={environment}/run={run}/data.parquet"


def _parquet(frame: pl.DataFrame) -> bytes:
    """The frame without its partition columns; equal frames give equal bytes."""
    buffer = io.BytesIO()
    frame.drop(PARTITION).write_parquet(buffer, metadata={_VERSION_KEY: str(VERSION)})
    return buffer.getvalue()
