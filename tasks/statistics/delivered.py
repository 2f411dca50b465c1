"""What share of a tool's events was lost, beside what the tool costs: a tool that loses events is
cheaper."""

import polars as pl

from ..storage.schema import CASE_KEY

_UNIT = (*CASE_KEY, "workload")
_SHARES = ("lost_low_pct", "lost_high_pct")


def with_losses(effects: pl.DataFrame, completeness: pl.DataFrame) -> pl.DataFrame:
    """`effects` with the shares of `completeness`: of each case and workload the mean of its cells.

    The bounds of a share are null where one of its cells has none: what was not visible once may be
    any share.
    """
    shares = completeness.group_by(_UNIT).agg(
        pl.when(pl.col(share).is_not_null().all()).then(pl.col(share).mean()).alias(share)
        for share in _SHARES
    )
    joined = effects.drop(_SHARES).join(shares, on=_UNIT, how="left", maintain_order="left")
    return joined.select(effects.columns)
