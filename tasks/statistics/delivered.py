"""What share of a tool's events was lost, beside what the tool costs: a tool that loses events is
cheaper."""

import polars as pl

from ..storage.schema import CASE_KEY

_UNIT = (*CASE_KEY, "workload")
SHARES = ("lost_low_pct", "lost_high_pct")
"""At least, and at most so much of the events was lost."""


def mean_share(share: str) -> pl.Expr:
    """The mean of a group of cells; null where one of them has none: what was not visible once may
    be any share."""
    return pl.when(pl.col(share).is_not_null().all()).then(pl.col(share).mean()).alias(share)


def with_losses(effects: pl.DataFrame, completeness: pl.DataFrame) -> pl.DataFrame:
    """`effects` with the shares of `completeness`: `mean_share` of each case and workload; of tools
    together that of the one that loses most, null where one's is."""
    each = completeness.group_by(*_UNIT, "part").agg(map(mean_share, SHARES))
    most = (pl.when(pl.col(s).is_not_null().all()).then(pl.col(s).max()).alias(s) for s in SHARES)
    shares = each.group_by(_UNIT).agg(most)
    joined = effects.drop(SHARES).join(shares, on=_UNIT, how="left", maintain_order="left")
    return joined.select(effects.columns)
