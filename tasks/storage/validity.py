"""Checks a frame against its table's schema before anything is written."""

import polars as pl

from ..model.errors import DatasetError
from .schema import PARTITION, Table


def refuse_invalid(table: Table, frame: pl.DataFrame, environment: str, run: str) -> None:
    """Raises DatasetError with the first rule that `frame` violates.

    Rules: exactly the schema's columns and types; rows of this environment and run only; no null in
    a required column; only allowed values; no NaN (a missing value is null); one row per key.
    """
    if frame.schema != table.schema:
        odd = {name for name, _ in set(frame.schema.items()) ^ set(table.schema.items())}
        raise _broken(table, f"columns differ: {sorted(odd) or 'their order'}")
    for part, name in zip(PARTITION, (environment, run), strict=True):
        if not (frame[part] == name).all():
            raise _broken(table, f"rows of another {part} than {name}")
    for column in table.columns:
        values = frame[column.name]
        if column.required and values.null_count():
            raise _broken(table, f"{column.name} is missing in {values.null_count()} rows")
        if values.dtype == pl.Float64 and values.is_nan().any():
            raise _broken(table, f"{column.name} is NaN; a missing value must be null")
        if column.allowed and not values.drop_nulls().is_in(column.allowed).all():
            odd = values.filter(~values.is_in(column.allowed))[0]
            raise _broken(table, f"{column.name} holds {odd!r}; allowed: {column.allowed}")
    if table.key and frame.select(table.key).is_duplicated().any():
        double = frame.filter(frame.select(table.key).is_duplicated()).select(table.key).row(0)
        raise _broken(table, f"two rows have the key {double}")


def _broken(table: Table, what: str) -> DatasetError:
    return DatasetError(f"table {table.name}: {what}")
