"""Between frames and arrays of numbers: null is NaN in an array and null again in a frame."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def floats(frame: pl.DataFrame, *names: str) -> tuple[Floats, ...]:
    """The columns as float64 arrays, null as NaN."""
    numbers = frame.select(pl.col(names).cast(pl.Float64).fill_null(np.nan))
    return tuple(numbers[name].to_numpy() for name in names)


def columns(arrays: Mapping[str, Floats]) -> list[pl.Series]:
    """The arrays as columns of those names, NaN as null."""
    return [pl.Series(name, array, pl.Float64).fill_nan(None) for name, array in arrays.items()]


def by_group(
    frame: pl.DataFrame, keys: str | Sequence[str], function: Callable[[pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    """`function` of the rows of each group, one group after the other.

    A frame without rows is passed to it as it is, so that the result has the same columns.
    """
    groups = frame.partition_by(keys, maintain_order=True) or [frame]
    return pl.concat([function(group) for group in groups])
