"""Comparison: the same thing elsewhere, or at another time, gives a very different result.

The peers of an environment are the other environments, those of a run the other runs of its
environment. A rule needs enough peers for a median; with fewer it judges nothing.
"""

import math
from collections.abc import Sequence

import polars as pl

from ..model.metrics import Scale
from ..storage.schema import EFFECTS, STRATUM
from .rule import Tables
from .views import change, effect_findings, levels, log_width, number, tool_effects, without

SPREAD_FACTOR = 3.0
"""An interval that many times wider than the peers' median is far wider."""

TOOL_SPREAD_FACTOR = 2.0
"""The same for one tool, whose few peers' median includes its own width."""

MIN_SPREAD = math.log(1.10)
"""An environment's usual interval below this width (10 %) is no finding, whatever the peers'."""

MIN_TOOL_SPREAD = math.log(1.5)
"""A tool's interval whose ends differ by less than half is no finding, whatever the peers'."""

PEERS = 3
"""Environments, the judged one included, from which on a median shows which one is odd."""

ORDERS = 20.0
"""A cost this many times below every other environment's is not a difference of hardware."""

ORDERS_OF_CHANGE = 5.0
"""The same for costs in percent of the baseline: the whole interval against the others' lowest end,
so that the middles are an order apart."""

DEARER = 10.0

MUCH = {"tool_cpu_pct": 1.0, "log_mib_per_min": 0.1}
"""Costs in their own unit, and the level below which ratios are noise."""

MUCH_CHANGE_PCT = 20.0
"""That level for costs in percent of the baseline."""

HISTORY_RUNS = 5
HISTORY_MADS = 5.0
HISTORY_MIN = math.log(1.05)


def environment_spread(tables: Tables) -> pl.DataFrame:
    """Environments whose intervals are usually far wider than those of their peers."""
    widths = tool_effects(tables).filter("primary").group_by(STRATUM).agg(log_width().median())
    return (
        _beside_peers(widths, STRATUM)
        .select(
            *STRATUM,
            failed=_wider(SPREAD_FACTOR, MIN_SPREAD),
            observed=_as_factor("width"),
            expected=_as_factor("peers"),
        )
        .sort(STRATUM)
    )


def tool_spread(tables: Tables) -> pl.DataFrame:
    """Effects that span anything from little to much, where the same tool elsewhere does not."""
    widths = tool_effects(tables).filter("primary").with_columns(log_width())
    wider = _wider(TOOL_SPREAD_FACTOR, MIN_TOOL_SPREAD)
    return effect_findings(_beside_peers(widths, EFFECTS.key), wider, _as_factor("peers"))


def _beside_peers(widths: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """`widths` with `peers`, the median over all environments, where there are enough of them."""
    across = without(key, "environment", "run")
    enough = pl.col("environment").n_unique().over(across) >= PEERS
    return widths.with_columns(peers=pl.median("width").over(across), enough=enough).filter(
        "enough"
    )


def _wider(factor: float, minimum: float) -> pl.Expr:
    width = pl.col("width")
    return (width > factor * pl.col("peers")) & (width > minimum)


def _as_factor(width: str) -> pl.Expr:
    """A width on the logarithm as the factor between the interval's ends."""
    return pl.concat_str(pl.lit("×"), pl.col(width).exp().round_sig_figs(3))


def too_cheap(tables: Tables) -> pl.DataFrame:
    """Tools that cost almost nothing here and much everywhere else: did they run?"""
    much = pl.col("others_low") >= pl.col("noise")
    far_below = pl.col("ci_high") * pl.col("orders") < pl.col("others_low")
    others = change("others_low", "others_high")
    return effect_findings(_beside_others(tables), much & far_below, others)


def too_dear(tables: Tables) -> pl.DataFrame:
    """Tools that cost much here and almost nothing everywhere else."""
    much = pl.col("ci_low") >= pl.col("noise")
    far_above = pl.col("ci_low") > DEARER * pl.col("others_high")
    others = change("others_low", "others_high")
    return effect_findings(_beside_others(tables), much & far_above, others)


def _beside_others(tables: Tables) -> pl.DataFrame:
    """Effects beside the whole range of the other environments' (two or more).

    `noise`: the cost below which ratios mean nothing; `orders`: the factor that is far apart. Costs
    in their own unit without such a level (memory, CPU of the host) are left out.
    """
    subject = without(EFFECTS.key, "environment", "run")
    is_change = pl.col("scale") == Scale.RATIO
    noise = pl.col("metric").replace_strict(MUCH, default=None, return_dtype=pl.Float64)
    effects = (
        tool_effects(tables)
        .with_columns(
            noise=pl.when(is_change).then(MUCH_CHANGE_PCT).otherwise(noise),
            orders=pl.when(is_change).then(ORDERS_OF_CHANGE).otherwise(ORDERS),
        )
        .filter(pl.col("noise").is_not_null())
    )
    ranges = effects.group_by("environment", *subject).agg(
        pl.col("ci_low").min(), pl.col("ci_high").max()
    )
    others = (
        effects.select("environment", *subject)
        .unique()
        .join(ranges, on=subject, suffix="_other")
        .filter(pl.col("environment") != pl.col("environment_other"))
        .group_by("environment", *subject)
        .agg(others_low=pl.col("ci_low").min(), others_high=pl.col("ci_high").max(), of=pl.len())
        .filter(pl.col("of") >= PEERS - 1)
    )
    return effects.join(others, on=["environment", *subject])


def not_reproduced(tables: Tables) -> pl.DataFrame:
    """Gains of one run to which no other run of the same environment comes close."""
    effects = tool_effects(tables).filter("primary")
    gains = effects.filter(pl.col("ci_high") < 0)
    return beside_later(gains, effects, without(EFFECTS.key, "run"))


def beside_later(gains: pl.DataFrame, later: pl.DataFrame, subject: list[str]) -> pl.DataFrame:
    """Each gain beside the range of all `later` effects of the same subject in other runs.

    It fails where the whole range lies at a higher cost than the gain. Gains that were not measured
    again are not judged.
    """
    known = later.select(*subject, "run", low="ci_low", high="ci_high")
    beside = (
        gains.join(known, on=subject, suffix="_later")
        .filter(pl.col("run") != pl.col("run_later"))
        .group_by([*EFFECTS.key, "tool"], maintain_order=True)
        .agg(pl.col("ci_low", "ci_high", "unit").first(), pl.col("low").min(), pl.col("high").max())
    )
    return effect_findings(beside, pl.col("ci_high") < pl.col("low"), change("low", "high"))


def baseline_history(tables: Tables) -> pl.DataFrame:
    """Runs whose baselines are at another level than the environment's other runs."""
    series = without(STRATUM, "run")
    middle, limit = pl.col("middle"), pl.col("limit")
    distance = (pl.col("log") - middle).abs()
    mad = 1.4826 * pl.median("distance").over(series)
    return (
        levels(tables)
        .with_columns(log=pl.col("value").log())
        .with_columns(middle=pl.median("log").over(series), of=pl.len().over(series))
        .filter(pl.col("of") >= HISTORY_RUNS)
        .with_columns(distance=distance)
        .with_columns(limit=pl.max_horizontal(HISTORY_MADS * mad, pl.lit(HISTORY_MIN)))
        .select(
            *STRATUM,
            failed=pl.col("distance") > limit,
            observed=number(pl.col("value")),
            expected=pl.concat_str(
                number((middle - limit).exp()), pl.lit("~"), number((middle + limit).exp())
            ),
        )
        .sort(STRATUM)
    )
