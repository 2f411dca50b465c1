"""From differences to estimates: n, mean, moderated interval, smallest visible effect.

One row per case, workload and metric that was planned, whether or not anything came of it: where
there is no number, `problem` says why.
"""

import numpy as np
import polars as pl
from scipy.special import stdtrit

from ..model.metrics import METRICS
from .arrays import Floats
from .decision_rules import Rules
from .differences import TOOL, counting
from .moderated import moderate
from .scale import cost_unit, sign, to_cost

GROUP = ("environment", "run", "layer", "workload", "metric")
"""Within one of these, cases borrow strength from each other."""

_CASE = ("environment", "run", "layer", "case", "workload")
_KEY = (*_CASE, "metric")


_NIGHT_S = 4 * 3600.0
"""Nothing measured in an environment for so long, and the next night has begun."""


def hodges_lehmann(values: Floats) -> float:
    """Median of the Walsh averages (xᵢ + xⱼ)/2, i ≤ j. One wild value of few hardly moves it."""
    i, j = np.triu_indices(len(values))
    return float(np.median((values[i] + values[j]) / 2))


def smallest_visible(variance: Floats, n: Floats, df: Floats, alpha: float, power: float) -> Floats:
    """MDE ≈ (t(1 − α/2) + t(power))·s̃/√n, on the scale of the differences."""
    return np.asarray((stdtrit(df, 1 - alpha / 2) + stdtrit(df, power)) * np.sqrt(variance / n))


def estimate(cells: pl.DataFrame, diffs: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The effects of `differences`, without verdict.

    Columns of EFFECTS up to `baseline_mean` except the p-values, and `problem` (null or words).
    n counts iterations: a case measured at two places of one iteration counts once, with the mean.
    Of a case that was measured in several nights it counts nights: the error comes from the spread
    between them, and borrows from other such cases only.
    """
    effects = (
        _planned(cells, diffs, rules)
        .join(_summary(_by_night(diffs, cells)), on=_KEY, how="left")
        .with_columns(pl.col("n").fill_null(0))
        .with_columns(problem=pl.struct(pl.all()).map_elements(_problem, return_dtype=pl.String))
        .with_columns(
            pl.when(~pl.col("mixed").fill_null(False)).then(column).alias(column)
            for column in ("estimate_log", "variance", "hodges_lehmann")
        )
    )
    alike = effects.with_columns(pl.col("nights").fill_null(1), several=pl.col("nights") > 1)
    groups = [
        _with_interval(group, rules)
        for group in alike.partition_by(*GROUP, "several", maintain_order=True, include_key=True)
    ]
    return pl.concat(groups) if groups else _with_interval(alike, rules)


def _planned(cells: pl.DataFrame, diffs: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Every case of every workload, crossed with the metrics that the workload has."""
    lost = pl.col("status") != "passed"
    why = pl.coalesce(pl.format("{}: {}", "gate", "reason"), "reason", "gate", "status")
    planned = (
        counting(cells)
        .filter(pl.col("kind") != "baseline")
        .group_by(_CASE, maintain_order=True)
        .agg(
            pl.col(*TOOL).first(),
            planned=pl.len(),
            lost=lost.sum(),
            lost_status=pl.col("status").filter(lost).unique(maintain_order=True),
            lost_why=why.filter(lost).unique(maintain_order=True),
        )
    )
    at = ["environment", "run", "layer", "workload"]
    primary = pl.DataFrame(
        {"workload": list(rules.primary), "metric": list(rules.primary.values())},
        schema={"workload": pl.String, "metric": pl.String},
    )
    metrics = pl.concat(
        [diffs.select(*at, "metric"), planned.select(at).unique().join(primary, on="workload")]
    ).unique(maintain_order=True)
    return (
        planned.join(metrics, on=at)
        .with_columns(
            scale=pl.col("metric").replace_strict({m: str(METRICS[m].scale) for m in METRICS}),
            unit=pl.col("metric").replace_strict({m: cost_unit(METRICS[m]) for m in METRICS}),
            primary=pl.col("metric")
            == pl.col("workload").replace_strict(
                dict(rules.primary), default=None, return_dtype=pl.String
            ),
        )
        .with_columns(pl.col("primary").fill_null(False))
    )


def _by_night(diffs: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """`diffs` with `nights`, in how many nights its case has differences, and `block`: the night
    where they are several, else the iteration."""
    begun = cells.select("environment", "run", at=pl.col("started").dt.epoch("us") / 1e6).sort("at")
    pause = pl.col("at").diff().over("environment", "run") > _NIGHT_S
    begun = begun.with_columns(night=pause.fill_null(False).cum_sum().over("environment", "run"))
    dated = diffs.sort("t_s").join_asof(
        begun, left_on="t_s", right_on="at", by=["environment", "run"], check_sortedness=False
    )
    known = pl.when(pl.col("d").is_not_null()).then("night")
    nights = known.drop_nulls().n_unique().over(_KEY)
    return dated.with_columns(
        nights=nights, block=pl.when(nights > 1).then("night").otherwise("iteration")
    )


def _summary(diffs: pl.DataFrame) -> pl.DataFrame:
    """n, mean, variance and Hodges–Lehmann of each case's differences, one value a block."""
    epochs = pl.concat_list("left_epoch", "right_epoch").list.drop_nulls()
    each = diffs.group_by(*_KEY, "block", maintain_order=True).agg(
        pl.col("d").mean(),
        pl.col("nights").first(),
        pl.col("epoch").first(),
        epochs=epochs.explode(empty_as_null=False),
        baseline=((pl.col("left_value") + pl.col("right_value")) / 2).mean(),
        problems=pl.col("problem").drop_nulls(),
    )
    measured = pl.col("d").is_not_null()
    found = pl.col("d").drop_nulls()
    return (
        each.group_by(_KEY, maintain_order=True)
        .agg(
            n=found.len().cast(pl.Int64),
            estimate_log=found.mean(),
            variance=found.var(ddof=1),
            hodges_lehmann=found.implode(),
            baseline_mean=pl.col("baseline").filter(measured).mean(),
            mixed=(pl.col("epoch").filter(measured).drop_nulls().n_unique() > 1)
            | (pl.col("epochs").filter(measured).explode(empty_as_null=False).n_unique() > 1),
            problems=pl.col("problems").explode(empty_as_null=False),
            nights=pl.col("nights").max(),
        )
        .with_columns(
            pl.col("hodges_lehmann").map_elements(
                lambda d: hodges_lehmann(d.to_numpy()) if len(d) else None, return_dtype=pl.Float64
            )
        )
    )


def _problem(row: dict[str, object]) -> str | None:
    """What is missing from this effect, in words; None where nothing is."""
    problems = []
    if row["lost"]:
        states, why = ("/".join(row["lost_status"]), "; ".join(row["lost_why"][:3]))  # type: ignore[arg-type,index]
        problems.append(f"{row['lost']} of {row['planned']} cells {states} ({why})")
    if row["mixed"]:
        problems.append("mixed epochs: kernel, tool or NIC settings changed between iterations")
    if (row["nights"] or 1) > 1:  # type: ignore[operator]
        problems.append(f"measured in {row['nights']} nights: each counts once")
    seen = list(row["problems"] or [])  # type: ignore[call-overload]
    problems += [f"{problem} ({seen.count(problem)}x)" for problem in dict.fromkeys(seen)]
    if not problems and not row["n"]:
        problems.append("no value of this metric")
    return "; ".join(problems) or None


def _with_interval(group: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Adds the moderated interval and what is read from it; the group is one of `GROUP`."""
    if group.is_empty():
        empty = ("estimate", "ci_low", "ci_high", "se_log", "df", "mde")
        return group.with_columns(pl.lit(None, pl.Float64).alias(name) for name in empty)
    metric = METRICS[group["metric"][0]]
    delta, n = _floats(group["estimate_log"]), _floats(group["n"])
    variance, df = _moderated(_floats(group["variance"]), n)
    se = np.sqrt(variance / n)
    half = stdtrit(df, 0.975) * se
    ends = np.sort([to_cost(delta - half, metric), to_cost(delta + half, metric)], axis=0)
    visible = smallest_visible(variance, n, df, rules.test_alpha, rules.power)
    return group.with_columns(
        pl.Series(name, values, pl.Float64).fill_nan(None)
        for name, values in {
            "estimate": to_cost(delta, metric),
            "ci_low": ends[0],
            "ci_high": ends[1],
            "se_log": se,
            "df": df,
            "mde": to_cost(sign(metric) * visible, metric),
            "hodges_lehmann": to_cost(_floats(group["hodges_lehmann"]), metric),
        }.items()
    )


def _moderated(s2: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Variances and degrees of freedom where there is a spread to judge by; NaN elsewhere.

    A variance of exactly 0 that nothing could be borrowed for is no knowledge of the spread.
    """
    variance, df = np.full_like(s2, np.nan), np.full_like(s2, np.nan)
    known = np.isfinite(s2)
    if known.any():
        variance[known], df[known] = moderate(s2[known], n[known] - 1)
    unknown = ~(variance > 0)
    variance[unknown] = df[unknown] = np.nan
    return variance, df


def _floats(column: pl.Series) -> Floats:
    """The column as float64, null as NaN."""
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)
