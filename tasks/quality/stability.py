"""Stability: did the ground hold still while it was measured?"""

import math

import polars as pl

from .rule import Tables
from .steady import judge_steady
from .views import CELL, GROUP, baselines, ratio

MAX_DRIFT = math.log(1.10)
"""A drift below this over the whole run is what interpolated baselines are for."""

DRIFT_T = 4.0
"""The slope in its standard errors: below, it may be noise."""

MAX_REQUEUED = 0.10


def regimes(tables: Tables) -> pl.DataFrame:
    """The gate `steady`: each series of baselines, with its two levels where it has two."""
    judged = []
    for key, group in baselines(tables).group_by(GROUP):
        result = judge_steady(group["value"].to_list())
        failed = None if result.passed is None else not result.passed
        judged.append((*key, failed, result.observed, result.expected))
    strings = (*GROUP, "observed", "expected")
    schema = dict.fromkeys(GROUP, pl.String) | {"failed": pl.Boolean}
    schema |= {name: pl.String for name in strings if name not in GROUP}
    return pl.DataFrame(judged, schema=schema, orient="row").sort(GROUP)


def drift(tables: Tables) -> pl.DataFrame:
    """Baselines that rise or fall steadily over the run: least squares of ln(value) on time."""
    t = pl.col("t").dt.epoch("us") / 1e6
    slope = pl.cov("t", "log") / pl.var("t")
    span = pl.max("t") - pl.min("t")
    r = pl.corr("t", "log")
    t_value = r.abs() * ((pl.len() - 2) / (1 - r**2)).sqrt()
    total = pl.col("total")
    return (
        baselines(tables)
        .filter(pl.col("t").is_not_null(), pl.col("value") > 0)
        .with_columns(t=t, log=pl.col("value").log())
        .group_by(GROUP)
        .agg(total=slope * span, t_value=t_value, n=pl.len())
        .filter(pl.col("n") >= 6, total.is_finite())
        .select(
            *GROUP,
            failed=(total.abs() > MAX_DRIFT) & (pl.col("t_value") > DRIFT_T),
            observed=pl.concat_str((100 * (total.exp() - 1)).round(1), pl.lit(" %")),
            expected=pl.lit(f"+-{math.expm1(MAX_DRIFT):.0%}"),
        )
        .sort(GROUP)
    )


def requeued(tables: Tables) -> pl.DataFrame:
    """Cells that had to be run again, a layer of a run each."""
    keys = ("environment", "run", "layer")
    again = (pl.col("attempts") > 1).sum()
    return (
        tables["cells"]
        .group_by([column for column in CELL if column != "attempt"])
        .agg(attempts=pl.max("attempt"))
        .group_by(keys)
        .agg(failed=again > MAX_REQUEUED * pl.len(), observed=ratio(again, pl.len()))
        .with_columns(expected=pl.lit(f"<= {MAX_REQUEUED:.0%}"))
        .sort(keys)
    )
