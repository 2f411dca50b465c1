"""Across nights: one night is one block.

Iterations of different nights are never pooled as independent: whatever is particular to a night (a
reboot, a warm room, a neighbour) affects all of its iterations. Each run gives one δ̂; the error
comes from the spread between runs. A change of kernel, tool or NIC settings starts a new epoch, and
epochs are not mixed.

A single night knows nothing of that spread: its intervals cover what a tool cost in this night, and
where costs vary by night as much as they are uncertain within one, its 95 % interval covers the
long-run cost in about 83 nights of 100, fewer where they vary more. A report of one night therefore
says so (`nights_measured`).

Change points are found here, without apache-otava, because its version 0.8 pins a numpy that the
rest of the program cannot use. On 60 simulated series of 40 nights with 0, 1 or 2 steps, both at
p ≤ 1e-4, the two name the same nights in 56.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.special import stdtr, stdtrit

from ..model.metrics import Scale
from ..storage.schema import CASE_KEY, PARTITION
from .arrays import Floats, by_group, columns, floats
from .estimates import NIGHT_S
from .scale import cost_interval, metric_of

CHANGE_P = 1e-4
CONFIRMED_BY = 3  # nights on each side of a change

SERIES = ("environment", "layer", "case", "workload", "metric")


@dataclass(frozen=True, slots=True)
class Change:
    """A lasting change of level: `start` is the first index of the new level."""

    start: int
    before: float
    after: float
    p: float


def history(effects: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """One row per night of each series, in time order.

    SERIES, `run`, `night` (start of the run), `epoch`, `estimate_log`, `ratio` (e^δ̂ of ratio
    metrics) and `baseline` (the hosts' own level). The epoch is the fingerprint of kernel and NIC
    settings with the checksum of the tool.
    """
    nights = cells.group_by(PARTITION).agg(night=pl.col("started").min())
    epoch = pl.concat_str("epoch", "tool_sha256", separator="/", ignore_nulls=True)
    epochs = (
        cells.filter(pl.col("kind") != "baseline", pl.col("status") == "passed")
        .group_by(CASE_KEY)
        .agg(epoch=epoch.first())
    )
    is_ratio = pl.col("scale") == str(Scale.RATIO)
    return (
        effects.filter(pl.col("estimate_log").is_not_null())
        .join(nights, on=PARTITION)
        .join(epochs, on=CASE_KEY, how="left")
        .select(
            *SERIES,
            "run",
            "night",
            "epoch",
            "estimate_log",
            ratio=pl.when(is_ratio).then(pl.col("estimate_log").exp()),
            baseline="baseline_mean",
        )
        .sort("night", *SERIES)
    )


def nights_measured(cells: pl.DataFrame) -> dict[str, int]:
    """Environment -> the number of nights in which its cells were started, over all its runs."""
    started = cells.drop_nulls("started").sort("environment", "started")
    gap_s = pl.col("started").diff().dt.total_seconds().over("environment")
    nights = started.group_by("environment").agg(1 + (gap_s > NIGHT_S).sum())
    return dict(nights.sort("environment").iter_rows())


def combined(nights: pl.DataFrame) -> pl.DataFrame:
    """Each series within one epoch: number of nights, cost and its 95 % interval.

    The mean of the nightly δ̂, with Student's t on the spread between nights; a single night has an
    estimate and no interval.
    """
    groups = nights.group_by(*SERIES, "epoch", maintain_order=True).agg(
        nights=pl.len().cast(pl.Int64),
        first=pl.col("night").min(),
        last=pl.col("night").max(),
        mean=pl.col("estimate_log").mean(),
        sd=pl.col("estimate_log").std(ddof=1),
    )
    return by_group(groups, "metric", _as_cost)


def change_points(
    values: Floats, p: float = CHANGE_P, confirmed: int = CONFIRMED_BY
) -> list[Change]:
    """Lasting changes of level in a series of one value per night, in time order.

    Split and merge: the series is cut at the split with the smallest p of a pooled two-sample t,
    and each side again, down to levels of `confirmed` nights, so that a single outlier is never a
    level; then the weakest cut is undone until every p between two neighbouring levels, corrected
    (Bonferroni) for the cuts that were possible there, is at most `p`. Because all cuts are made
    first, a step stays visible that is followed by another. Pass e^δ̂ for ratios, not δ̂: a relative
    change of something near 0 has no meaning. Levels are means.
    """
    edges = [0, *_cuts(values, 0, confirmed), len(values)]
    while len(edges) > 2:
        p_at = [
            _between(values, edges[i - 1], edges[i], edges[i + 1], confirmed)
            for i in range(1, len(edges) - 1)
        ]
        weakest = int(np.argmax(p_at))
        if p_at[weakest] <= p:
            break
        del edges[weakest + 1]
    levels = [float(np.mean(values[a:b])) for a, b in pairwise(edges)]
    return [
        Change(edges[i], levels[i - 1], levels[i], p_at[i - 1]) for i in range(1, len(edges) - 1)
    ]


def changes(nights: pl.DataFrame, column: str = "ratio") -> pl.DataFrame:
    """Changes of every series of `history`: SERIES, `night`, `kind`, `before`, `after`, `p`.

    Kind "epoch": kernel, tool or NIC settings changed (p is null); "level": the number changed
    within one epoch. `before` and `after` of an epoch are the levels next to it, not the means of
    whole epochs: a step within one of them is a change of its own.
    """
    rows: list[tuple[object, ...]] = []
    for key, series in nights.drop_nulls(column).group_by(SERIES, maintain_order=True):
        previous: float | None = None
        for _, epoch in series.group_by(pl.col("epoch").rle_id(), maintain_order=True):
            values, night = epoch[column].to_numpy(), epoch["night"]
            steps = change_points(values)
            first, last = (
                (steps[0].before, steps[-1].after) if steps else (float(values.mean()),) * 2
            )
            if previous is not None:
                rows.append((*key, night[0], "epoch", previous, first, None))
            rows += [(*key, night[s.start], "level", s.before, s.after, s.p) for s in steps]
            previous = last
    schema = {
        **dict.fromkeys(SERIES, pl.String()),
        "night": pl.Datetime("us", "UTC"),
        "kind": pl.String(),
        **dict.fromkeys(("before", "after", "p"), pl.Float64()),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _cuts(values: Floats, offset: int, confirmed: int) -> list[int]:
    """Every cut of the series into levels of at least `confirmed` nights, best first, sorted."""
    candidates = range(confirmed, len(values) - confirmed + 1)
    if not candidates:
        return []
    k = min(candidates, key=lambda k: _two_sample_p(values[:k], values[k:]))
    left, right = values[:k], values[k:]
    return [*_cuts(left, offset, confirmed), offset + k, *_cuts(right, offset + k, confirmed)]


def _between(values: Floats, start: int, cut: int, end: int, confirmed: int) -> float:
    """p of the change at `cut`, corrected for all places at which it was possible."""
    places = end - start - 2 * confirmed + 1
    return min(1.0, places * _two_sample_p(values[start:cut], values[cut:end]))


def _two_sample_p(a: Floats, b: Floats) -> float:
    """Two-sided p of the pooled two-sample t; without any spread: 0 where the means differ."""
    difference = abs(float(np.mean(a) - np.mean(b)))
    df = len(a) + len(b) - 2
    pooled = (np.var(a) * len(a) + np.var(b) * len(b)) / df
    if pooled == 0:
        return 0.0 if difference > 0 else 1.0
    return float(2 * stdtr(df, -difference / np.sqrt(pooled * (1 / len(a) + 1 / len(b)))))


def _as_cost(groups: pl.DataFrame) -> pl.DataFrame:
    """`mean` and `sd` of nights replaced by the cost and its interval; groups of one metric."""
    mean, n, sd = floats(groups, "mean", "nights", "sd")
    half = stdtrit(np.where(n > 1, n - 1, np.nan), 0.975) * sd / np.sqrt(n)
    interval = cost_interval(mean, half, metric_of(groups))
    return groups.drop("mean", "sd").with_columns(columns(interval))


def host_levels(effects: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The hosts' own level in each night: the mean of the baselines around the cases.

    Its epoch covers kernel and NIC settings only, no tool.
    """
    night = ["environment", "run"]
    when = cells.group_by(night).agg(night=pl.col("started").min())
    passed = cells.filter(pl.col("kind") == "baseline", pl.col("status") == "passed")
    epochs = passed.group_by(*night, "layer").agg(pl.col("epoch").first())
    place = [*night, "layer", "workload", "metric"]
    levels = effects.group_by(place).agg(level=pl.col("baseline_mean").mean())
    return (
        levels.drop_nulls("level")
        .join(when, on=night)
        .join(epochs, on=[*night, "layer"], how="left")
        .with_columns(case=pl.lit("baseline"), tool=pl.lit(None, pl.String))
        .sort("night", *SERIES)
    )
