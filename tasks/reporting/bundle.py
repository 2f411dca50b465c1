"""What a report is made from: the seven tables of one campaign, and what was asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl


@dataclass(frozen=True, slots=True)
class Bundle:
    """The seven tables (columns: `tasks.storage.schema`) of one or more environments' runs."""

    runs: pl.DataFrame
    cells: pl.DataFrame
    samples: pl.DataFrame
    intervals: pl.DataFrame
    bpf_programs: pl.DataFrame
    effects: pl.DataFrame
    checks: pl.DataFrame
    margins: Mapping[str, float | None]  # metric -> margin of its cost, in the cost's unit
    generated_at: datetime
