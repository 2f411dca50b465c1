"""Comparison: the same thing elsewhere, or at another time, says something quite different.

Environments are each other's peers, and a run's peers are the other runs of its environment. A
rule needs enough peers to have a middle; below that it judges nothing.
"""

import math

import polars as pl

from .rule import EFFECT_KEYS, Tables
from .views import GROUP, by, change, levels, log_width, number, tool_effects

SPREAD_FACTOR = 3.0
"""Wider than the peers' median by this factor is far above them."""

TOOL_SPREAD_FACTOR = 2.0
"""The same for one tool, whose few peers' median holds its own width too."""

MIN_SPREAD = math.log(1.10)
"""An environment's usual interval below this width (10 %) is no finding, whatever the peers'."""

MIN_TOOL_SPREAD = math.log(1.5)
"""A tool's interval whose ends differ by less than half is no finding, whatever the peers'."""

PEERS = 3
"""Environments, the judged one among them, from which on a median tells which one is odd."""

ORDERS = 20.0
"""A cost this many times below every other environment's is no difference of hardware."""

DEARER = 10.0

ABSOLUTE_COSTS = {"tool_cpu_pct": 1.0, "log_mib_per_min": 0.1}
"""Costs compared in their own unit, and what counts as some: below it, ratios are noise."""

HISTORY_RUNS = 5
HISTORY_MADS = 5.0
HISTORY_MIN = math.log(1.05)


def environment_spread(tables: Tables) -> pl.DataFrame:
    """Environments whose intervals are usually far wider than those of their peers."""
    across = by(GROUP, "environment", "run")
    peers = pl.median("width").over(across)
    return (
        tool_effects(tables)
        .filter("primary")
        .with_columns(width=log_width())
        .group_by(GROUP)
        .agg(pl.median("width"))
        .with_columns(peers=peers, of=pl.col("environment").n_unique().over(across))
        .filter(pl.col("of") >= PEERS)
        .select(
            *GROUP,
            failed=(pl.col("width") > SPREAD_FACTOR * pl.col("peers"))
            & (pl.col("width") > MIN_SPREAD),
            observed=_as_factor(pl.col("width")),
            expected=_as_factor(pl.col("peers")),
        )
        .sort(GROUP)
    )


def tool_spread(tables: Tables) -> pl.DataFrame:
    """Effects that span anything from little to much, where the same tool elsewhere does not."""
    across = by(EFFECT_KEYS, "environment", "run")
    peers = pl.median("width").over(across)
    return (
        tool_effects(tables)
        .filter("primary")
        .with_columns(width=log_width())
        .with_columns(peers=peers, of=pl.col("environment").n_unique().over(across))
        .filter(pl.col("of") >= PEERS)
        .select(
            *EFFECT_KEYS,
            "tool",
            failed=(pl.col("width") > TOOL_SPREAD_FACTOR * pl.col("peers"))
            & (pl.col("width") > MIN_TOOL_SPREAD),
            observed=change(),
            expected=_as_factor(pl.col("peers")),
        )
    )


def _as_factor(width: pl.Expr) -> pl.Expr:
    """A width on the logarithm as the factor between the interval's ends."""
    return pl.concat_str(pl.lit("x"), width.exp().round_sig_figs(3))


def too_cheap(tables: Tables) -> pl.DataFrame:
    """Tools that cost next to nothing here and plenty everywhere else: did they run?"""
    return _against_others(tables).select(
        *EFFECT_KEYS,
        "tool",
        failed=(pl.col("others_low") >= pl.col("some"))
        & (pl.col("ci_high") * ORDERS < pl.col("others_low")),
        observed=change(),
        expected=change("others_low", "others_high"),
    )


def too_dear(tables: Tables) -> pl.DataFrame:
    """Tools that cost plenty here and next to nothing everywhere else."""
    return _against_others(tables).select(
        *EFFECT_KEYS,
        "tool",
        failed=(pl.col("ci_low") >= pl.col("some"))
        & (pl.col("ci_low") > DEARER * pl.col("others_high")),
        observed=change(),
        expected=change("others_low", "others_high"),
    )


def _against_others(tables: Tables) -> pl.DataFrame:
    """Effects in their own unit beside the whole range of the other environments' (two or more)."""
    subject = by(EFFECT_KEYS, "environment", "run")
    effects = tool_effects(tables).filter(pl.col("metric").is_in(list(ABSOLUTE_COSTS)))
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
    some = pl.col("metric").replace_strict(ABSOLUTE_COSTS, return_dtype=pl.Float64)
    return effects.join(others, on=["environment", *subject]).with_columns(some=some)


def not_reproduced(tables: Tables) -> pl.DataFrame:
    """Gains of one run that no other run of the same environment comes near."""
    effects = tool_effects(tables).filter("primary")
    gains = effects.filter(pl.col("ci_high") < 0)
    return beside_later(gains, effects, by(EFFECT_KEYS, "run"))


def beside_later(gains: pl.DataFrame, later: pl.DataFrame, subject: list[str]) -> pl.DataFrame:
    """Each gain beside the range of all `later` effects of the same subject in other runs.

    It fails where the whole range lies at a higher cost than the gain. Gains that nobody measured
    again are not judged.
    """
    known = later.select(*subject, "run", low="ci_low", high="ci_high")
    return (
        gains.join(known, on=subject, suffix="_later")
        .filter(pl.col("run") != pl.col("run_later"))
        .group_by([*EFFECT_KEYS, "tool"], maintain_order=True)
        .agg(
            pl.col("ci_low", "ci_high", "unit").first(),
            pl.col("low").min(),
            pl.col("high").max(),
        )
        .select(
            *EFFECT_KEYS,
            "tool",
            failed=pl.col("ci_high") < pl.col("low"),
            observed=change(),
            expected=change("low", "high"),
        )
    )


def baseline_history(tables: Tables) -> pl.DataFrame:
    """Runs whose baselines are at another level than the environment's other runs."""
    series = by(GROUP, "run")
    logs = levels(tables).with_columns(log=pl.col("value").log())
    middle = pl.median("log").over(series)
    distance = (pl.col("log") - pl.col("middle")).abs()
    mad = 1.4826 * pl.median("distance").over(series)
    return (
        logs.with_columns(middle=middle, of=pl.len().over(series))
        .filter(pl.col("of") >= HISTORY_RUNS)
        .with_columns(distance=distance)
        .with_columns(limit=pl.max_horizontal(HISTORY_MADS * mad, pl.lit(HISTORY_MIN)))
        .select(
            *GROUP,
            failed=pl.col("distance") > pl.col("limit"),
            observed=number(pl.col("value")),
            expected=pl.concat_str(
                number((pl.col("middle") - pl.col("limit")).exp()),
                pl.lit("~"),
                number((pl.col("middle") + pl.col("limit")).exp()),
            ),
        )
        .sort(GROUP)
    )
