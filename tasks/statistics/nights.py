"""Across nights: one night is one block.

Single iterations of different nights are never pooled as independent: a night's own mood (a reboot,
a warm room, a neighbour) is in all of them. Each run gives one δ̂; the error comes from the spread
between runs. A change of kernel, tool or NIC settings starts a new epoch, and epochs are not mixed.

Change points are a step of our own because apache-otava 0.8 pins a numpy that the rest of the
program cannot use. On 60 simulated series of 40 nights with 0, 1 or 2 steps, both at p ≤ 1e-4, the
two name the same nights in 56.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.special import stdtr, stdtrit

from ..model.metrics import METRICS, Scale
from .arrays import Floats
from .scale import to_cost

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
    """One row a night of each series, in time order: SERIES, `run`, `night` (start of the run),
    `epoch`, `estimate_log`, `ratio` (e^δ̂ of ratio metrics) and `baseline` (the hosts' own level).

    The epoch is the fingerprint of kernel and NIC settings with the checksum of the tool.
    """
    when = cells.group_by("environment", "run").agg(night=pl.col("started").min())
    epoch = pl.concat_str("epoch", "tool_sha256", separator="/", ignore_nulls=True)
    worlds = (
        cells.filter(pl.col("kind") != "baseline", pl.col("status") == "passed")
        .group_by("environment", "run", "layer", "case")
        .agg(epoch=epoch.first())
    )
    is_ratio = pl.col("scale") == str(Scale.RATIO)
    return (
        effects.filter(pl.col("estimate_log").is_not_null())
        .join(when, on=["environment", "run"])
        .join(worlds, on=["environment", "run", "layer", "case"], how="left")
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


def combined(nights: pl.DataFrame) -> pl.DataFrame:
    """Each series within one epoch: number of nights, cost and its 95 % interval.

    The mean of the nightly δ̂ with the plain t of the spread between nights; one night alone has an
    estimate and no interval.
    """
    groups = nights.group_by(*SERIES, "epoch", maintain_order=True).agg(
        nights=pl.len().cast(pl.Int64),
        first=pl.col("night").min(),
        last=pl.col("night").max(),
        mean=pl.col("estimate_log").mean(),
        sd=pl.col("estimate_log").std(ddof=1),
    )
    parts = [_as_cost(part) for part in groups.partition_by("metric", maintain_order=True)]
    return pl.concat(parts) if parts else _as_cost(groups)


def change_points(
    values: Floats, p: float = CHANGE_P, confirmed: int = CONFIRMED_BY
) -> list[Change]:
    """Lasting changes of level in a series, one value a night, in time order.

    Split and merge: the series is cut at the split with the smallest p of a pooled two-sample t,
    and each side again, down to levels of `confirmed` nights, so that one wild night is never a
    level; then the weakest cut is taken back until every p between two neighbouring levels,
    corrected (Bonferroni) for the cuts that were possible there, is at most `p`. Cutting first
    keeps a step visible that another one follows. Of ratios give e^δ̂, not δ̂: a relative change of
    something near 0 has no meaning. Levels are means.
    """
    edges = [0, *_cuts(values, 0, confirmed), len(values)]
    while len(edges) > 2:
        tried = [
            _between(values, edges[i - 1], edges[i], edges[i + 1], confirmed)
            for i in range(1, len(edges) - 1)
        ]
        weakest = int(np.argmax(tried))
        if tried[weakest] <= p:
            break
        del edges[weakest + 1]
    levels = [float(np.mean(values[a:b])) for a, b in pairwise(edges)]
    return [
        Change(edges[i], levels[i - 1], levels[i], tried[i - 1]) for i in range(1, len(edges) - 1)
    ]


def changes(nights: pl.DataFrame, column: str = "ratio") -> pl.DataFrame:
    """Changes of every series of `history`: SERIES, `night`, `kind` ("epoch": the world changed;
    "level": the number did, within one world), `before`, `after`, `p` (null for epochs).

    Before and after an epoch are the levels next to it, not the means of whole worlds: a step
    within one of them is a change of its own."""
    rows = []
    for key, series in nights.drop_nulls(column).group_by(SERIES, maintain_order=True):
        place = dict(zip(SERIES, key, strict=True))
        previous: float | None = None
        for _, world in series.group_by(pl.col("epoch").rle_id(), maintain_order=True):
            values = world[column].to_numpy()
            steps = change_points(values)
            mean = float(values.mean())
            if previous is not None:
                after = steps[0].before if steps else mean
                level = {"before": previous, "after": after, "p": None}
                rows.append(place | {"night": world["night"][0], "kind": "epoch"} | level)
            for change in steps:
                level = {"before": change.before, "after": change.after, "p": change.p}
                night = world["night"][change.start]
                rows.append(place | {"night": night, "kind": "level"} | level)
            previous = steps[-1].after if steps else mean
    numbers = dict.fromkeys(("before", "after", "p"), pl.Float64())
    schema = {**dict.fromkeys(SERIES, pl.String()), "night": pl.Datetime("us", "UTC"),
              "kind": pl.String(), **numbers}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _cuts(values: Floats, offset: int, confirmed: int) -> list[int]:
    """Every cut of the series into levels of at least `confirmed` nights, best first, sorted."""
    candidates = range(confirmed, len(values) - confirmed + 1)
    if not candidates:
        return []
    k = min(candidates, key=lambda k: _two_sample_p(values[:k], values[k:]))
    left, right = values[:k], values[k:]
    return [*_cuts(left, offset, confirmed), offset + k, *_cuts(right, offset + k, confirmed)]


def _between(values: Floats, start: int, cut: int, end: int, confirmed: int) -> float:
    """p of the change at `cut`, corrected for all the places where it could have been."""
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


def _as_cost(part: pl.DataFrame) -> pl.DataFrame:
    if part.is_empty():
        names = ("estimate", "ci_low", "ci_high")
        return part.drop("mean", "sd").with_columns(
            pl.lit(None, pl.Float64).alias(n) for n in names
        )
    metric = METRICS[part["metric"][0]]
    mean, n = part["mean"].to_numpy(), part["nights"].to_numpy().astype(np.float64)
    sd = part["sd"].fill_null(np.nan).to_numpy()
    half = stdtrit(np.where(n > 1, n - 1, np.nan), 0.975) * sd / np.sqrt(n)
    ends = np.sort([to_cost(mean - half, metric), to_cost(mean + half, metric)], axis=0)
    found = {"estimate": to_cost(mean, metric), "ci_low": ends[0], "ci_high": ends[1]}
    return part.drop("mean", "sd").with_columns(
        pl.Series(name, values, pl.Float64).fill_nan(None) for name, values in found.items()
    )
