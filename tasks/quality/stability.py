"""Stability: did the environment stay the same while it was measured?"""

import math

import polars as pl

from ..storage.schema import STRATUM
from .rule import Tables
from .steady import judge_steady
from .views import PLANNED_CELL, baselines, share_of_cells

MAX_DRIFT = math.log(1.10)
"""Interpolated baselines take care of a drift below this over the whole run."""

DRIFT_T = 4.0
"""In standard errors of the slope: below, it may be noise."""

MAX_REQUEUED = 0.10


def regimes(tables: Tables) -> pl.DataFrame:
    """The gate `steady`: each series of baselines, with its two levels where it has two."""
    rows = []
    for key, series in baselines(tables).group_by(STRATUM):
        result = judge_steady(series["value"].to_list())
        failed = None if result.passed is None else not result.passed
        words = (result.observed, result.observed_zh, result.expected, result.expected_zh)
        rows.append((*key, *words, failed))
    columns = ("observed", "observed_zh", "expected", "expected_zh")
    texts = dict.fromkeys((*STRATUM, *columns), pl.String)
    schema = {**texts, "failed": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row").sort(STRATUM)


def drift(tables: Tables) -> pl.DataFrame:
    """Baselines that steadily rise or fall over the run: least squares of ln(value) on time."""
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
        .group_by(STRATUM)
        .agg(total=slope * span, t_value=t_value, n=pl.len())
        .filter(pl.col("n") >= 6, total.is_finite())
        .select(
            *STRATUM,
            failed=(total.abs() > MAX_DRIFT) & (pl.col("t_value") > DRIFT_T),
            observed=pl.concat_str((100 * (total.exp() - 1)).round(1) + 0.0, pl.lit(" %")),
            expected=pl.lit(f"±{100 * math.expm1(MAX_DRIFT):.0f} %"),
        )
        .sort(STRATUM)
    )


def requeued(tables: Tables) -> pl.DataFrame:
    """The share of cells that had to be measured again, one row for each layer of a run."""
    cells = tables["cells"].group_by(PLANNED_CELL).agg(attempts=pl.max("attempt"))
    return share_of_cells(cells, pl.col("attempts") > 1, MAX_REQUEUED)
