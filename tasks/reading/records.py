"""The result of reading a raw tree: rows of the tables, and a manifest of all its files."""

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from ..model.names import RunKey
from ..storage import schema


class FileStatus(StrEnum):
    """What was done with a file of the raw tree. None is dropped silently."""

    READ = "read"
    NOT_NEEDED = "not needed"
    REFUSED = "refused"


_TABLES = ("runs", "cells", "samples", "intervals", "bpf_programs")
MANIFEST = pl.Schema({"path": pl.String(), "status": pl.String(), "reason": pl.String()})
"""One row per file: path below the tree's root, `FileStatus`, reason (empty if it was read)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One run's raw tree as frames of exactly the tables' schemas."""

    runs: pl.DataFrame
    cells: pl.DataFrame
    samples: pl.DataFrame
    intervals: pl.DataFrame
    bpf_programs: pl.DataFrame
    manifest: pl.DataFrame

    def __post_init__(self) -> None:
        for name, frame in self.tables().items():
            if frame.schema != schema.TABLES[name].schema:
                raise TypeError(f"{name}: columns differ from the table's schema")
        if self.manifest.schema != MANIFEST:
            raise TypeError("manifest: columns differ from MANIFEST")

    @property
    def key(self) -> RunKey:
        environment, run = self.runs.select("environment", "run").row(0)
        return environment, run

    def tables(self) -> dict[str, pl.DataFrame]:
        """The frames by table name."""
        return {name: getattr(self, name) for name in _TABLES}
