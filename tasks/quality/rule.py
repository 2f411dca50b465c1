"""What a rule is, and how its answers become rows of the table `checks`.

A rule's `judge` takes the tables and returns one row for each subject that it looked at:
`environment`, `run`, whichever other columns of `KEYS` place the subject, `failed` (null: could
not be judged), and for the failed ones `observed` and `expected`, which are the same in every
language: numbers and names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from ..storage.schema import CHECKS

Tables = Mapping[str, pl.DataFrame]
"""All seven tables by name, each of its full schema."""

KEYS = (
    "environment",
    "run",
    "layer",
    "tool",
    "case",
    "workload",
    "metric",
    "iteration",
    "position",
)
"""The columns of `checks` that place a finding; null: it concerns all of them."""

EFFECT_KEYS = ("environment", "run", "layer", "case", "workload", "metric")
"""What makes an effect unique."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One anomaly rule. Texts may use {tool}, {case}, {layer}, {workload}, {metric},
    {environment}, {observed} and {expected}."""

    id: str
    severity: str  # blocks a verdict | warns | informs
    judge: Callable[[Tables], pl.DataFrame]
    message: str
    message_zh: str
    advice: str
    advice_zh: str
    scope: tuple[str, ...] = EFFECT_KEYS
    """Where it blocks: the effects that share these columns with the finding are withheld."""


def rows(rule: Rule, judged: pl.DataFrame) -> pl.DataFrame:
    """The rows of `checks` for one rule: each finding, and one `passed` for a run without any."""
    found = judged.filter("failed")
    fine = (
        judged.filter(~pl.col("failed"))
        .group_by("environment", "run")
        .len()
        .join(found, on=("environment", "run"), how="anti")
        .sort("environment", "run")
    )
    common = {"rule_id": rule.id, "severity": rule.severity}
    passed = [
        {
            "environment": row["environment"],
            "run": row["run"],
            "status": "passed",
            "observed": f"0/{row['len']}",
            **common,
        }
        for row in fine.iter_rows(named=True)
    ]
    kept = [column for column in (*KEYS, "observed", "expected") if column in found.columns]
    failed = [
        {**row, "status": "failed", **common, **_texts(rule, row)}
        for row in found.select(kept).iter_rows(named=True)
    ]
    return CHECKS.frame(passed + failed)


def _texts(rule: Rule, row: Mapping[str, object]) -> dict[str, str]:
    fields = dict.fromkeys((*KEYS, "observed", "expected"), "") | {
        name: "" if value is None else value for name, value in row.items()
    }
    return {
        "message": rule.message.format_map(fields),
        "message_zh": rule.message_zh.format_map(fields),
        "advice": rule.advice.format_map(fields),
        "advice_zh": rule.advice_zh.format_map(fields),
    }
