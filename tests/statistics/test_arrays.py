"""Null and NaN, and functions of groups."""

import numpy as np
import polars as pl

from tasks.statistics.arrays import by_group, columns, floats

FRAME = pl.DataFrame({"group": ["b", "a", "b"], "n": [1, None, 3]})


def test_null_is_nan_in_an_array_and_null_again_in_a_frame() -> None:
    (n,) = floats(FRAME, "n")
    assert np.isnan(n).tolist() == [False, True, False]
    assert FRAME.with_columns(columns({"n": n}))["n"].to_list() == [1.0, None, 3.0]


def test_groups_follow_each_other_in_the_order_of_their_first_rows() -> None:
    summed = by_group(FRAME, "group", lambda group: group.with_columns(of=group["n"].sum()))
    assert summed.rows() == [("b", 1, 4), ("b", 3, 4), ("a", None, 0)]


def test_a_frame_without_rows_gets_the_same_columns() -> None:
    empty = by_group(FRAME.clear(), "group", lambda group: group.with_columns(of=pl.lit(1)))
    assert (empty.columns, empty.height) == (["group", "n", "of"], 0)
