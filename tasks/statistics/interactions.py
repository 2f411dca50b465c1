"""Tools that run at once: what they cost beyond the sum of what each costs alone.

    interaction = δ(together) − δ(the sum)

paired iteration by iteration. What adds up is time: of a round trip, or of a packet or byte at a
rate that the hosts' work limits, which is 1/rate. With the effects δᵢ on the logarithm of such a
time, the sum costs δ = ln(1 + Σ (exp δᵢ − 1) − (k − 1)·h): each of the k effects has in it what
being measured adds to any case, and together they have it once; h is what the placebos of the
iteration show of it. CPU, memory and log of the tools add up as they are. Positive: together they
cost more than the sum.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..model.bilingual import Bilingual
from ..model.metrics import METRICS, Better, Scale
from ..model.plan import PARTS_JOINED_BY
from ..storage.schema import CASE_KEY, PARTITION
from .decision_rules import DecisionRules
from .delivered import SHARES, mean_share
from .estimates import estimate
from .margins import Margins
from .reasons import say, sentence
from .usage import INCOMPLETE_PCT
from .verdicts import answer, judge

VERDICTS = {
    "overhead": "more_than_sum",
    "within": "additive",
    "positive": "more_than_sum_unresolved",
    "gain": "less_than_sum",
}
"""Question -> the verdict on an interaction, which is also the key of its reason."""

_SHOWN = (
    "environment", "run", "layer", "case", "workload", "metric", "unit", "primary", "n",
    "estimate", "ci_low", "ci_high", "margin", "mde", "verdict", "reason", "reason_zh",
)  # fmt: skip
NO_INTERACTIONS = pl.DataFrame(
    schema={name: pl.Boolean if name == "primary" else pl.String for name in _SHOWN}
)
"""Of a campaign without such cases."""

_SLOWER = {
    name: 1.0 if metric.better is Better.LESS else -1.0
    for name, metric in METRICS.items()
    if metric.scale is Scale.RATIO
}
"""Metric on the logarithm -> the sign with which it is a time."""

_AT = (*PARTITION, "layer", "iteration", "workload", "metric")


def interactions(
    cells: pl.DataFrame, differences: pl.DataFrame, margins: Margins, rules: DecisionRules
) -> pl.DataFrame:
    """A row for each case of several tools, workload and metric, in the columns of `_SHOWN`.

    cells: of storage.schema.CELLS; differences: of `differences.differences` of the same cells. An
    iteration in which a part was not measured has no interaction, and the reason says so.
    """
    sets = cells.drop_nulls("parts").select(*CASE_KEY, "parts").unique(maintain_order=True)
    if sets.is_empty():
        return NO_INTERACTIONS
    parts = sets.with_columns(part=pl.col("parts").str.split(PARTS_JOINED_BY)).explode("part")
    slower = pl.col("metric").replace_strict(_SLOWER, default=None, return_dtype=pl.Float64)
    added = pl.when(slower.is_null()).then("d").otherwise((slower * pl.col("d")).exp() - 1)
    total = pl.when(pl.col("added").is_not_null().all()).then(pl.col("added").sum())
    as_effect = pl.when(slower.is_null()).then("total").otherwise(
        pl.when(pl.col("total") > -1).then(slower * (1 + pl.col("total")).log())
    )  # fmt: skip
    each = (
        differences.group_by(*_AT, "case")
        .agg(pl.col("d").mean(), pl.col("kind", "is_tool_metric").first())
        .with_columns(added=added)
    )
    placebos = each.filter(pl.col("kind") == "placebo", ~pl.col("is_tool_metric"))
    harness = placebos.group_by(_AT).agg(harness=pl.col("added").mean())
    alone = (
        each.join(
            parts, left_on=[*PARTITION, "layer", "case"], right_on=[*PARTITION, "layer", "part"]
        )
        .group_by(*_AT, case="case_right")
        .agg(total=total, measured=pl.len())
        .join(harness, on=_AT, how="left")
        .with_columns(
            total=pl.col("total") - (pl.col("measured") - 1) * pl.col("harness").fill_null(0.0)
        )
        .with_columns(alone=as_effect)
    )
    wanted = parts.group_by(CASE_KEY).agg(wanted=pl.len())
    paired = (
        differences.join(sets.select(CASE_KEY), on=CASE_KEY, how="semi")
        .join(alone, on=[*_AT, "case"], how="left", maintain_order="left")
        .join(wanted, on=CASE_KEY, how="left", maintain_order="left")
        .with_columns(alone=pl.when(pl.col("measured") == pl.col("wanted")).then("alone"))
        .with_columns(
            d=pl.col("d") - pl.col("alone"),
            problem=pl.coalesce(
                "problem", pl.when(pl.col("alone").is_null()).then(sentence("no_part"))
            ),
        )
    )
    estimates = estimate(cells.join(sets, on=CASE_KEY, how="semi"), paired, rules)
    return judge(estimates, margins, rules, _verdict).select(_SHOWN)


def _verdict(row: Mapping[str, Any], rules: DecisionRules) -> tuple[str, Bilingual]:
    question, reason = answer(row, rules)
    verdict = VERDICTS.get(question, "inconclusive")
    return verdict, reason or say(verdict)


def colliding(losses: pl.DataFrame) -> dict[tuple[str, ...], list[str]]:
    """(environment, run, layer, case, workload) -> the tools that are shown to lose more of their
    events beside the others than alone, by more than `INCOMPLETE_PCT` points. `losses`: of
    `losses_together`."""
    more = pl.col("lost_low_pct") - pl.col("lost_high_pct_alone") > INCOMPLETE_PCT
    found: dict[tuple[str, ...], list[str]] = {}
    for *place, part in losses.filter(more).select(*CASE_KEY, "workload", "part").rows():
        found.setdefault(tuple(place), []).append(part)
    return found


def losses_together(completeness: pl.DataFrame) -> pl.DataFrame:
    """What each tool loses beside others and alone: environment, run, layer, case, workload, part,
    lost_low_pct, lost_high_pct, and the same `_alone`; null: not visible.

    completeness: of storage.schema.COMPLETENESS.
    """
    shares = completeness.group_by(*CASE_KEY, "workload", "part").agg(map(mean_share, SHARES))
    together = shares.filter(pl.col("part") != pl.col("case"))
    alone = shares.filter(pl.col("part") == pl.col("case"))
    on = [*PARTITION, "layer", "workload", "part"]
    return together.join(alone.select(*on, *SHARES), on=on, how="left", suffix="_alone").sort(
        *CASE_KEY, "workload", "part"
    )
