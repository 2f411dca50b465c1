"""What a report is made from: the eight tables of one campaign, and what was asked of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from ..model.errors import InputError
from ..model.names import RunKey
from ..storage.dataset import Dataset
from ..storage.schema import TABLES


@dataclass(frozen=True, slots=True)
class Bundle:
    """The eight tables (columns: `tasks.storage.schema`) of one or more environments' runs."""

    runs: pl.DataFrame
    cells: pl.DataFrame
    samples: pl.DataFrame
    intervals: pl.DataFrame
    bpf_programs: pl.DataFrame
    completeness: pl.DataFrame
    effects: pl.DataFrame
    checks: pl.DataFrame
    margins: Mapping[str, float | None]  # metric -> margin of its cost, in the cost's unit
    generated_at: datetime

    @classmethod
    def read(
        cls, dataset: Dataset, keys: Sequence[RunKey], margins: Mapping[str, float | None]
    ) -> "Bundle":
        """All tables of these runs. Raises DatasetError; InputError if their clocks differ."""
        frames = {name: dataset.rows(name, keys) for name in TABLES}
        if frames["runs"]["clock"].n_unique() > 1:
            expected = "a report of its own for each clock"
            raise InputError("runs", "clock", "wall clock and instruction count", expected)
        return cls(**frames, margins=margins, generated_at=datetime.now(UTC))

    def told_apart(self) -> "Bundle":
        """Where an environment has several runs, each becomes an environment: `env · run`."""
        repeated = self.runs.filter(pl.col("environment").is_duplicated())["environment"].unique()
        if repeated.is_empty():
            return self
        named = pl.when(pl.col("environment").is_in(repeated.implode())).then(
            pl.concat_str("environment", "run", separator=" · ")
        )
        environment = named.otherwise("environment").alias("environment")
        frames: dict[str, Any] = {
            field.name: value.with_columns(environment)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), pl.DataFrame)
        }
        return replace(self, **frames)
