"""Baselines against their own neighbours: what the harness reads where nothing is to be read.

Everything here looks at baselines only, so what it decides is blind to every tool's result.
"""

import numpy as np
import polars as pl

from .decision_rules import Rules
from .differences import PAUSE, PLACE

MAD_TO_SD = 1.4826
"""A normal distribution's SD over its median absolute deviation."""

UNSTEADY = 4.0  # standard deviations of a difference of two baselines
UNHEALTHY_SHARE = 0.10
MIN_BLOCKS = 4
"""Fewer differences than this say nothing about their own spread."""

_SERIES = (*PLACE, "metric")
_POOL = ("environment", "run", "layer", "workload", "metric")


def baseline_series(values: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The primary metrics' baselines in time order, numbered in `index` within their iteration."""
    primary = pl.col("workload").replace_strict(
        dict(rules.primary), default=None, return_dtype=pl.String
    )
    return (
        values.filter(
            pl.col("kind") == "baseline", pl.col("y").is_not_null(), pl.col("metric") == primary
        )
        .sort("t_s")
        .with_columns(index=pl.int_range(pl.len()).over(_SERIES))
    )


def residuals(series: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Inner baselines only, each of `columns` less its interpolation between the two neighbours.

    Named `<column>_residual`. Two residuals that stand side by side share baselines and so
    are not independent.
    """

    def near(column: str, step: int) -> pl.Expr:
        return pl.col(column).shift(step).over(_SERIES)

    weight = (pl.col("t_s") - near("t_s", 1)) / (near("t_s", -1) - near("t_s", 1))
    no_pause = (_spacing_s() <= _longest_s()) & (
        _spacing_s().shift(-1).over(_SERIES) <= _longest_s()
    )
    return (
        series.with_columns(weight=weight, together=no_pause)
        .filter("together")
        .with_columns(
            (
                pl.col(c) - (1 - pl.col("weight")) * near(c, 1) - pl.col("weight") * near(c, -1)
            ).alias(f"{c}_residual")
            for c in columns
        )
        .drop_nulls([f"{c}_residual" for c in columns])
    )


def _spacing_s() -> pl.Expr:
    """Seconds since the baseline before."""
    return pl.col("t_s").diff().over(_SERIES)


def _longest_s() -> pl.Expr:
    """Two baselines further apart have a pause between them and are no neighbours."""
    return PAUSE * _spacing_s().median().over(_POOL)


def blocks(series: pl.DataFrame) -> pl.DataFrame:
    """Neighbouring baselines L, R and whether the block between them has to be run again.

    Unsteady: |y_R − y_L| > 4·√2·σ_base. √2·σ_base is the scaled MAD of these differences over the
    run so far (1.4826 times the median of their sizes): drift that is usual on this host widens it,
    a single jump does not. One row a block and workload: PLACE, `left`, `right` (positions),
    `difference`, `limit`, `unsteady` (null below 4 blocks).
    """
    following = pl.col("y", "position").shift(-1).over(_SERIES).name.suffix("_next")
    next_is_near = (_spacing_s() <= _longest_s()).shift(-1).over(_SERIES)
    pairs = series.with_columns(following, near=next_is_near).filter("near")
    difference = pl.col("y_next") - pl.col("y")
    limit = UNSTEADY * MAD_TO_SD * pl.col("difference").abs().median().over(_POOL)
    enough = pl.len().over(_POOL) >= MIN_BLOCKS
    return (
        pairs.with_columns(difference=difference)
        .with_columns(limit=pl.when(enough).then(limit))
        .select(
            *PLACE,
            left="position",
            right="position_next",
            difference="difference",
            limit="limit",
            unsteady=pl.col("difference").abs() > pl.col("limit"),
        )
    )


def to_requeue(blocks: pl.DataFrame, iteration: int) -> list[tuple[str, str, str, int, int]]:
    """(environment, run, layer, left, right) of the iteration's blocks that are to be run again."""
    unsteady = blocks.filter(pl.col("iteration") == iteration, pl.col("unsteady"))
    found = unsteady.select("environment", "run", "layer", "left", "right")
    return found.unique(maintain_order=True).rows()


def unsteady_share(blocks: pl.DataFrame) -> tuple[int, int]:
    """Blocks with an unsteady workload, and all blocks that could be judged."""
    judged = (
        blocks.drop_nulls("unsteady")
        .group_by("environment", "run", "layer", "iteration", "left")
        .agg(pl.col("unsteady").any())
    )
    return int(judged["unsteady"].sum()), len(judged)


def scaled_mad(values: pl.Series) -> float:
    """1.4826 times the median absolute deviation from the median: a robust SD."""
    array = values.to_numpy()
    return float(MAD_TO_SD * np.median(np.abs(array - np.median(array))))
