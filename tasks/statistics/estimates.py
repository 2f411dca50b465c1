"""From differences to estimates: n, mean, moderated interval.

One row for every case, workload and metric that was planned, with or without a result: where there
is no number, `problem` says why, as a `reasons.SENTENCE`.
"""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from ..model.bilingual import Bilingual, joined
from ..model.metrics import METRICS
from ..model.outcome import CellStatus
from ..storage.schema import CASE_KEY, EFFECTS, PARTITION
from .arrays import Floats
from .decision_rules import DecisionRules
from .differences import TOOL, counting
from .intervals import with_intervals
from .reasons import SENTENCE, STATUSES, as_row, from_row, say
from .scale import cost_unit

NIGHT_S = 4 * 3600.0
"""A gap this long without a measurement in an environment starts a new night."""


def hodges_lehmann(values: Floats) -> float:
    """Median of the Walsh averages (xᵢ + xⱼ)/2, i ≤ j. A single outlier hardly moves it."""
    i, j = np.triu_indices(len(values))
    return float(np.median((values[i] + values[j]) / 2))


def estimate(cells: pl.DataFrame, diffs: pl.DataFrame, rules: DecisionRules) -> pl.DataFrame:
    """The effects of `differences`, without verdict.

    Columns of EFFECTS up to `baseline_mean` except the p-values, and `problem` (null or SENTENCE).
    n counts iterations: a case measured at two places of one iteration counts once, with its mean.
    For a case that was measured in several nights n counts nights: the error comes from the spread
    between them, and strength is borrowed from other such cases only.
    """
    single_epoch = ~pl.col("mixed").fill_null(False)
    effects = (
        _planned(cells, diffs, rules)
        .join(_summary(_by_night(diffs, cells)), on=EFFECTS.key, how="left")
        .with_columns(pl.col("n").fill_null(0))
        .with_columns(problem=pl.struct(pl.all()).map_elements(_problem, return_dtype=SENTENCE))
        .with_columns(
            pl.when(single_epoch).then(column).alias(column)
            for column in ("estimate_log", "variance", "hodges_lehmann")
        )
        .with_columns(pl.col("nights").fill_null(1))
        .with_columns(several=pl.col("nights") > 1)
    )
    return with_intervals(effects, rules)


def _planned(cells: pl.DataFrame, diffs: pl.DataFrame, rules: DecisionRules) -> pl.DataFrame:
    """Every case of every workload, crossed with the metrics that the workload has."""
    lost = pl.col("status") != "passed"
    why = pl.struct(en=_why(pl.col("reason")), zh=_why(pl.coalesce("reason_zh", "reason")))
    planned = (
        counting(cells)
        .filter(pl.col("kind") != "baseline")
        .group_by(*CASE_KEY, "workload", maintain_order=True)
        .agg(
            pl.col(*TOOL).first(),
            planned=pl.len(),
            lost=lost.sum(),
            lost_status=pl.col("status").filter(lost).unique(maintain_order=True),
            lost_why=why.filter(lost).unique(maintain_order=True),
        )
    )
    at = [*PARTITION, "layer", "workload"]
    primary = pl.DataFrame(
        {"workload": list(rules.primary), "metric": list(rules.primary.values())},
        schema={"workload": pl.String, "metric": pl.String},
    )
    metrics = pl.concat(
        [diffs.select(*at, "metric"), planned.select(at).unique().join(primary, on="workload")]
    ).unique(maintain_order=True)
    metric = pl.col("metric")
    return planned.join(metrics, on=at).with_columns(
        scale=metric.replace_strict({name: str(m.scale) for name, m in METRICS.items()}),
        unit=metric.replace_strict({name: cost_unit(m) for name, m in METRICS.items()}),
        primary=rules.is_primary(),
    )


def _by_night(diffs: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """`diffs` with `nights`, the number of nights in which its case has differences, and `block`:
    the night where there are several, else the iteration."""
    begun = cells.select(*PARTITION, at=pl.col("started").dt.epoch("us") / 1e6).sort("at")
    gap = pl.col("at").diff().over(PARTITION) > NIGHT_S
    begun = begun.with_columns(night=gap.fill_null(False).cum_sum().over(PARTITION))
    dated = diffs.sort("t_s").join_asof(
        begun, left_on="t_s", right_on="at", by=PARTITION, check_sortedness=False
    )
    with_value = pl.when(pl.col("d").is_not_null()).then("night")
    nights = with_value.drop_nulls().n_unique().over(EFFECTS.key)
    return dated.with_columns(
        nights=nights, block=pl.when(nights > 1).then("night").otherwise("iteration")
    )


def _summary(diffs: pl.DataFrame) -> pl.DataFrame:
    """n, mean, variance and Hodges–Lehmann of each case's differences, one value per block."""
    epochs = pl.concat_list("left_epoch", "right_epoch").list.drop_nulls()
    blocks = diffs.group_by(*EFFECTS.key, "block", maintain_order=True).agg(
        pl.col("d").mean(),
        pl.col("nights").first(),
        pl.col("epoch").first(),
        epochs=epochs.explode(empty_as_null=False),
        baseline=((pl.col("left_value") + pl.col("right_value")) / 2).mean(),
        problems=pl.col("problem").drop_nulls(),
    )
    measured = pl.col("d").is_not_null()
    d = pl.col("d").drop_nulls()
    return (
        blocks.group_by(EFFECTS.key, maintain_order=True)
        .agg(
            n=d.len().cast(pl.Int64),
            estimate_log=d.mean(),
            variance=d.var(ddof=1),
            hodges_lehmann=d.implode(),
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


def _why(reason: pl.Expr) -> pl.Expr:
    """Why a cell was lost: its gate and the reason, or whichever is known; null: neither."""
    return pl.coalesce(pl.format("{}: {}", "gate", reason), reason, "gate")


def _problem(row: dict[str, Any]) -> dict[str, str] | None:
    """What is missing from this effect, in words; None where nothing is."""
    problems = []
    if row["lost"]:
        states = joined((STATUSES[CellStatus(status)] for status in row["lost_status"]), "/", "/")
        lost = say("lost", lost=row["lost"], planned=row["planned"], states=states)
        why = [Bilingual(**why) for why in row["lost_why"] if why["en"]]
        problems.append(say("because", problem=lost, why=joined(why[:3])) if why else lost)
    if row["mixed"]:
        problems.append(say("mixed"))
    if (row["nights"] or 1) > 1:
        problems.append(say("nights", nights=row["nights"]))
    of_cells = Counter(filter(None, map(from_row, row["problems"] or [])))
    problems += [say("times", problem=text, count=count) for text, count in of_cells.items()]
    if not problems and not row["n"]:
        problems.append(say("no_value"))
    return as_row(joined(problems)) if problems else None
