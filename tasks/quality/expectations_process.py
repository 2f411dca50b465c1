"""The way to the expectations for a process of its own, which imports them only when it runs."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl


def run_expectations(tables: Mapping[str, pl.DataFrame], docs: Path | None = None) -> pl.DataFrame:
    """`expectations.run_checkpoint`, imported only now: it takes seconds to load."""
    from .expectations import run_checkpoint

    return run_checkpoint(tables, docs)
