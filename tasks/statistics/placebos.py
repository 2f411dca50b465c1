"""Tools held against the placebos: what start, log and monitor of any case cost is no tool's cost.

A placebo is handled like a tool and attaches nothing. If the harness slows the traffic by 1 %,
every tool differs from zero by at least that much, too little for the placebo check to fail. So a
cost or a gain needs two tests: against zero, and against the mean of the placebos of the same
workload, which has an error of its own (Welch). Both must reject (intersection-union; Berger 1982).
"""

import numpy as np
import polars as pl
from scipy.special import stdtr

from ..storage.schema import STRATUM
from .arrays import Floats, by_group, columns, floats
from .scale import metric_of, sign

_LEVEL = 0.01
"""Of `like_placebo`, without correction: low, since many tools are asked."""


def held_against_placebos(effects: pl.DataFrame) -> pl.DataFrame:
    """Adds to effects tested against zero (`p_positive`, `p_gain`) the test against the placebos.

    Both p become the larger of the two; `like_placebo`: it differs from zero, but not from them.
    Where a workload has no placebo with an interval, and for the placebos themselves, zero alone
    counts.
    """
    return by_group(effects, STRATUM, _held)


def _held(stratum: pl.DataFrame) -> pl.DataFrame:
    delta, se, df, positive, gain = floats(
        stratum, "estimate_log", "se_log", "df", "p_positive", "p_gain"
    )
    placebo = (stratum["kind"] == "placebo").to_numpy()
    known = placebo & np.isfinite(se)
    if not known.any():
        return stratum.with_columns(like_placebo=pl.lit(False))
    mean, mean_se, mean_df = _mean(delta[known], se[known], df[known])
    both = np.sqrt(se**2 + mean_se**2)
    welch = both**4 / (se**4 / df + mean_se**4 / mean_df)
    t = sign(metric_of(stratum)) * (delta - mean) / both
    above, below = (np.where(placebo, 0.0, stdtr(welch, side)) for side in (-t, t))
    explained = ((positive < _LEVEL) & (above >= _LEVEL)) | ((gain < _LEVEL) & (below >= _LEVEL))
    return stratum.with_columns(
        columns({"p_positive": np.maximum(positive, above), "p_gain": np.maximum(gain, below)})
    ).with_columns(pl.Series("like_placebo", explained, pl.Boolean))


def _mean(delta: Floats, se: Floats, df: Floats) -> tuple[float, float, float]:
    """Mean of the placebos, its error and degrees of freedom."""
    of_mean = float(np.sqrt(np.sum(se**2)) / len(se))
    within = float(np.sum(se**2) ** 2 / np.sum(se**4 / df))
    return float(np.mean(delta)), of_mean, within
