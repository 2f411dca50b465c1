"""The results of reading: the values of one cell, the rows of a whole tree, the status of every
file."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from ..model.names import RunKey
from ..model.outcome import UNATTACHABLE, Interval, Ledger, Sample
from ..programs import snapshot
from ..storage import schema

Ends = tuple[snapshot.Snapshot, snapshot.Snapshot]
"""The snapshots at both ends of the window on one node."""


@dataclass(slots=True)
class CellValues:
    """The values of one cell's files, collected by its readers."""

    samples: list[Sample] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    load_s: list[float] = field(default_factory=list)
    zero_intervals: int | None = None
    payload_bits: float | None = None  # received in the window
    monitor_rows: tuple[float, ...] | None = None
    ledgers: list[Ledger] = field(default_factory=list)

    def sample(self, metric: str, value: float | None, node: str, source: str) -> None:
        self.samples.append(Sample(metric, value, node, source))


def total(values: Iterable[float | None]) -> float | None:
    """The sum; None if a value is missing or there are none."""
    listed = list(values)
    present = [value for value in listed if value is not None]
    return float(sum(present)) if present and len(present) == len(listed) else None


class FileStatus(StrEnum):
    """Status of a file of the raw tree. No file is dropped silently."""

    READ = "read"
    NOT_NEEDED = "not needed"
    REFUSED = "refused"


_TABLES = ("runs", "cells", "samples", "intervals", "bpf_programs", "completeness")
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
    completeness: pl.DataFrame
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


def cell_counts(cells: pl.DataFrame) -> tuple[int, int]:
    """The numbers of cells and of passed cells; a cell counts by its last attempt. Those of tools
    that cannot attach were not to be measured: they are not counted."""
    place = ["layer", "iteration", "position", "workload"]
    final = (
        cells.filter(pl.col("gate").ne_missing(UNATTACHABLE))
        .sort("attempt")
        .unique(place, keep="last")
    )
    return final.height, final.filter(status="passed").height
