"""What reading a raw tree gives: rows of the tables, and what became of every file."""

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from ..storage import schema


class FileStatus(StrEnum):
    """What became of a file of the raw tree. None is dropped silently."""

    READ = "read"
    NOT_NEEDED = "not needed"
    REFUSED = "refused"


MANIFEST = pl.Schema({"path": pl.String(), "status": pl.String(), "reason": pl.String()})
"""One row a file: path below the tree's root, a `FileStatus`, why (empty for one that was read)."""


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

    def tables(self) -> dict[str, pl.DataFrame]:
        """The frames by table name."""
        return {
            "runs": self.runs,
            "cells": self.cells,
            "samples": self.samples,
            "intervals": self.intervals,
            "bpf_programs": self.bpf_programs,
        }
