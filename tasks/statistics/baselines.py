"""Baselines against neighbouring baselines: what the harness shows where nothing was changed.

Everything here uses baselines only: what it decides cannot depend on any tool's result.
"""

import polars as pl

from ..storage.schema import STRATUM
from .decision_rules import DecisionRules
from .differences import PAUSE, PLACE

MAD_TO_SD = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""

UNSTEADY_SD = 4.0
"""A difference of two neighbours beyond this many standard deviations is a jump."""

MIN_BLOCKS = 4
"""With fewer differences their spread is unknown, and none is judged."""

_SERIES = (*PLACE, "metric")


def baseline_series(values: pl.DataFrame, rules: DecisionRules) -> pl.DataFrame:
    """The primary metrics' baselines in time order; `index` numbers them within an iteration."""
    is_baseline = pl.col("kind") == "baseline"
    return (
        values.filter(is_baseline, pl.col("y").is_not_null(), rules.is_primary())
        .sort("t_s")
        .with_columns(index=pl.int_range(pl.len()).over(_SERIES))
    )


def residuals(series: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """`<column>_residual`: each of `columns` minus the interpolation between its two neighbours.

    Only baselines that have both neighbours remain. Two adjacent residuals share baselines, so
    they are not independent.
    """

    def neighbour(column: str, step: int) -> pl.Expr:
        return pl.col(column).shift(step).over(_SERIES)

    weight = (pl.col("t_s") - neighbour("t_s", 1)) / (neighbour("t_s", -1) - neighbour("t_s", 1))
    return (
        series.with_columns(
            weight=weight, together=_follows_closely() & _follows_closely().shift(-1).over(_SERIES)
        )
        .filter("together")
        .with_columns(
            (
                pl.col(c)
                - (1 - pl.col("weight")) * neighbour(c, 1)
                - pl.col("weight") * neighbour(c, -1)
            ).alias(f"{c}_residual")
            for c in columns
        )
        .drop_nulls([f"{c}_residual" for c in columns])
    )


def _follows_closely() -> pl.Expr:
    """Whether no pause lies between a baseline and the one before it: else they are not neighbours.

    Null for the first of an iteration.
    """
    spacing_s = pl.col("t_s").diff().over(_SERIES)
    return spacing_s <= PAUSE * spacing_s.median().over(STRATUM)


def blocks(series: pl.DataFrame) -> pl.DataFrame:
    """Neighbouring baselines L and R, and whether the block between them must be repeated.

    Unsteady: |y_R − y_L| > 4·√2·σ_base. √2·σ_base is the scaled MAD of these differences over the
    run so far (1.4826 times the median of their sizes): a host's usual drift widens it, a single
    jump does not. One row per block and workload: PLACE, `left`, `right` (positions),
    `difference`, `limit`, `unsteady` (null below 4 blocks).
    """
    next_row = pl.col("y", "position").shift(-1).over(_SERIES).name.suffix("_next")
    next_is_near = _follows_closely().shift(-1).over(_SERIES)
    limit = UNSTEADY_SD * MAD_TO_SD * pl.col("difference").abs().median().over(STRATUM)
    enough = pl.len().over(STRATUM) >= MIN_BLOCKS
    return (
        series.with_columns(next_row, near=next_is_near)
        .filter("near")
        .with_columns(difference=pl.col("y_next") - pl.col("y"))
        .with_columns(limit=pl.when(enough).then(limit))
        .select(
            *PLACE,
            "difference",
            "limit",
            left="position",
            right="position_next",
            unsteady=pl.col("difference").abs() > pl.col("limit"),
        )
    )


def unsteady_blocks(blocks: pl.DataFrame, iteration: int) -> list[tuple[str, int, int]]:
    """(layer, left, right) of the iteration's blocks that must be repeated, each once."""
    unsteady = blocks.filter(pl.col("iteration") == iteration, pl.col("unsteady"))
    return unsteady.select("layer", "left", "right").unique(maintain_order=True).rows()
