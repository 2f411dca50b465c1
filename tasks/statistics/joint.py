"""Differences from one model of all runs of a workload, instead of each case's two baselines alone.

    y = level of the epoch + effect of the case + γ·(it follows a tool) + drift(t) + noise

One fit for each stratum (`drift_model`): baselines are one more case, of effect 0, and every run of
the night helps to tell drift from noise, weighted by how near it is. γ is what a tool leaves behind
for the run after it; a run that follows a baseline at once shows it, since the order is random.

What says little about the drift weighs little: the runs of an unsteady tool by its variance, and a
run far from what the others let expect by a t distribution with 5 degrees of freedom (Lange, Little
& Taylor 1989, J. Am. Stat. Assoc. 84:881). In the mean of its case, and in the baselines'
level, each run counts in full. A case whose followers are far off has a γ of its own.

    d = y − level − γ − the drift that the *other* runs show at its time

Each case's differences are spread about their mean such that s²/n is the variance of its estimate,
with the errors of the baselines' level and of the other effects in it.
"""

import numpy as np
import polars as pl
from scipy.linalg import LinAlgError

from ..storage.schema import STRATUM
from .arrays import Floats, by_group, floats
from .baselines import MAD_TO_SD
from .drift_model import DriftFit, fit_again, fit_drift

MIN_DEGREES = 60
"""Degrees of freedom within cases; with fewer the drift is unknown, and the interpolation stays."""

_TAIL = 5.0  # degrees of freedom of the t distribution that gives the weights
_REWEIGHTED = 2  # times
_FAR = 4.0  # SD of the mean of the runs after a case, from which on it spoils them
_MIN_EACH = 8  # runs after a tool, and after a baseline, from which γ is known

_COLUMNS = ("t_s", "y", "case", "epoch", "follows_tool")


def adjusted_jointly(differences: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """`differences` with `d` from the joint fit where there is enough data; rows, order and columns
    stay, and what has no difference still has none.

    `values` are the `cell_values` of the same cells; their baselines take part in the fit.
    """
    baselines = values.filter(pl.col("kind") == "baseline", pl.col("y").is_not_null())
    rows = differences.with_row_index("row")
    known = rows.filter(pl.col("d").is_not_null(), ~pl.col("is_tool_metric"))
    runs = pl.concat(
        [
            known.select("row", *STRATUM, *_COLUMNS, "d"),
            baselines.with_columns(case=pl.lit(None, pl.String)).select(*STRATUM, *_COLUMNS),
        ],
        how="diagonal",
    )
    fitted = by_group(runs, STRATUM, _of_stratum).select("row", joint="d").drop_nulls("row")
    return (
        rows.join(fitted, on="row", how="left", maintain_order="left")
        .with_columns(d=pl.coalesce("joint", "d"))
        .select(differences.columns)
    )


def degrees_within(cases: pl.Series) -> int:
    """Degrees of freedom within cases, from the case of each difference."""
    return cases.len() - cases.n_unique()


def _of_stratum(runs: pl.DataFrame) -> pl.DataFrame:
    """The stratum's runs with their new `d`."""
    if degrees_within(runs["case"].drop_nulls()) < MIN_DEGREES:
        return runs
    runs = runs.sort("t_s")
    codes = runs.select(
        pl.col("case").rank("dense").cast(pl.Int64) - 1, pl.col("epoch").fill_null("").rle_id()
    )
    case, segment = codes["case"].fill_null(-1).to_numpy(), codes["epoch"].to_numpy()
    t_s, y = floats(runs, "t_s", "y")
    x = np.column_stack([_effects(case), _levels(runs), _carried(runs)])
    try:
        deviations = _deviations(runs)
        own = _weights_of_cases(case, deviations)
        w = own * _tail(deviations * np.sqrt(own))
        robust = fit_drift(t_s, y, x, segment, w)
        x = np.column_stack([x, _after_spoilers(case, _standardised(robust, w, own))])
        for _ in range(_REWEIGHTED):
            w = own * _tail(_standardised(robust, w, own))
            robust = fit_again(t_s, y, x, segment, w, robust)
        plain = fit_again(t_s, y, x, segment, np.ones_like(y), robust)
    except LinAlgError:
        return runs
    d = _differences(case, plain, robust)
    return runs.with_columns(d=pl.Series(d).fill_nan(None))


def _deviations(runs: pl.DataFrame) -> Floats:
    """Each difference from its case's median, in scaled MADs; 0 for baselines."""
    deviation = pl.col("d") - pl.col("d").median().over("case")
    spread = MAD_TO_SD * deviation.filter(deviation != 0).abs().median()
    scaled = pl.when(pl.col("case").is_not_null() & (spread > 0)).then(deviation / spread)
    return runs.select(scaled.fill_null(0.0)).to_series().to_numpy()


def _weights_of_cases(case: Floats, deviations: Floats) -> Floats:
    """1, and for the runs of an unsteady case 1 over its variance."""
    of_case = case >= 0
    number, squared = case[of_case], deviations[of_case] ** 2
    counts = np.bincount(number)
    variances = np.bincount(number, squared) / np.maximum(counts - 1, 1)
    w = np.ones(len(case))
    w[of_case] = 1 / np.maximum(variances, 1.0)[number]
    return w


def _tail(standardised: Floats) -> Floats:
    """Weights of a t distribution."""
    return np.asarray((_TAIL + 1) / (_TAIL + standardised**2))


def _standardised(fit: DriftFit, w: Floats, own: Floats) -> Floats:
    """What is left out, over the SD that a run of weight `own` has; `fit` gave it the weight w."""
    return np.asarray(fit.left_out / np.sqrt(fit.s2 * (fit.variance - 1 / w + 1 / own)))


def _after_spoilers(case: Floats, standardised: Floats) -> Floats:
    """A column for each case whose followers' mean is far from 0: 1 where a run follows it."""
    before = np.concatenate([[-1], case[:-1]])
    followers = before >= 0
    number, z = before[followers], np.clip(standardised[followers], -_FAR, _FAR)
    sums, counts = np.bincount(number, z), np.bincount(number)
    spoilers = np.flatnonzero(np.abs(sums) > _FAR * np.sqrt(np.maximum(counts, 1)))
    return np.asarray(before[:, None] == spoilers, float)


def _effects(case: Floats) -> Floats:
    """A column for each case; baselines (-1) have 0 in all."""
    return np.asarray(case[:, None] == np.arange(case.max() + 1), float)


def _levels(runs: pl.DataFrame) -> Floats:
    """A column for each epoch."""
    return runs["epoch"].fill_null("").to_dummies().to_numpy().astype(float)


def _carried(runs: pl.DataFrame) -> Floats:
    """The column of γ; none where too few cases tell."""
    follows = runs["follows_tool"].cast(pl.Float64).to_numpy()
    of_cases = follows[runs["case"].is_not_null().to_numpy()]
    fewer = min(of_cases.sum(), (1 - of_cases).sum())
    return follows[:, None][:, : int(fewer >= _MIN_EACH)]


def _differences(case: Floats, plain: DriftFit, robust: DriftFit) -> Floats:
    """d of each run; NaN for baselines.

    The spread of a case's own runs does not show the error of what they are compared with, which
    comes from the baselines' noise: what the model claims beyond that spread is added to it.
    """
    d = np.full(len(case), np.nan)
    baselines = case < 0
    level = robust.left_out[baselines].mean()
    noise = np.sum((robust.left_out[baselines] - level) ** 2) / plain.spread[baselines].sum()
    for number in range(int(case.max()) + 1):
        of_case = case == number
        n, left_out = int(of_case.sum()), robust.left_out[of_case]
        apart, wider = left_out - left_out.mean(), 1.0
        if (own := float(np.sum(apart**2))) > 0:
            expected = plain.spread[of_case].sum()  # of the squares about the mean
            claimed = n * (n - 1) * plain.covariance[number, number]
            wider = np.sqrt(1 + noise * max(0.0, claimed - expected) / own)
        d[of_case] = robust.beta[number] + left_out.mean() - level + wider * apart
    return d
