"""Runs the rules and the expectations over tables; says which effects a finding withholds."""

from collections.abc import Mapping, Sequence

import polars as pl

from ..storage.schema import CHECKS, EFFECTS, PARTITION, TABLES
from .rule import KEYS, Rule, Tables
from .rules import RULES

_OBSERVED = ("observed", "expected", "observed_zh", "expected_zh")
_LAYERS_ZH = {"host": "宿主机", "vm": "虚拟机"}


def run_rules(tables: Mapping[str, pl.DataFrame], rules: Sequence[Rule] = RULES) -> pl.DataFrame:
    """The rows of `checks` of every rule over these tables.

    `tables` maps names of tables to frames of their schema; an absent one counts as empty, and a
    rule without a subject gives no row.
    """
    whole = complete(tables)
    return pl.concat([CHECKS.frame(), *(_rows(rule, rule.judge(whole)) for rule in rules)])


def run_expectations(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """`expectations.run_checkpoint`, imported only in the process that runs it."""
    from .expectations import run_checkpoint

    return run_checkpoint(tables)


def complete(tables: Mapping[str, pl.DataFrame]) -> Tables:
    """All eight tables: those given, and empty ones for the rest."""
    return {name: tables.get(name, table.frame()) for name, table in TABLES.items()}


def _rows(rule: Rule, judged: pl.DataFrame) -> pl.DataFrame:
    """The rows of `checks` for one rule: each finding, and one `passed` for a run without any."""
    found = judged.filter("failed")
    fine = (
        judged.filter(~pl.col("failed"))
        .group_by(PARTITION)
        .agg(observed=pl.format("0/{}", pl.len()))
        .join(found, on=PARTITION, how="anti")
        .sort(PARTITION)
    )
    kept = [column for column in (*KEYS, *_OBSERVED) if column in found.columns]
    common = {"rule_id": rule.id, "severity": rule.severity}
    passed = [common | {"status": "passed"} | row for row in fine.iter_rows(named=True)]
    failed = [
        common | {"status": "failed"} | row | _texts(rule, row)
        for row in found.select(kept).iter_rows(named=True)
    ]
    return CHECKS.frame(passed + failed)


def _texts(rule: Rule, row: Mapping[str, object]) -> dict[str, str]:
    """The rule's sentences about one finding, in both languages."""
    known = {name: "" if value is None else value for name, value in row.items()}
    english = dict.fromkeys((*KEYS, "observed", "expected"), "") | known
    chinese = english | {name: row.get(f"{name}_zh") or english[name] for name in _OBSERVED[:2]}
    chinese["layer"] = _LAYERS_ZH.get(str(english["layer"]), "")
    return {
        "message": rule.message.en.format_map(english),
        "message_zh": rule.message.zh.format_map(chinese),
        "advice": rule.advice.en,
        "advice_zh": rule.advice.zh,
    }


def withheld(
    checks: pl.DataFrame, effects: pl.DataFrame, rules: Sequence[Rule] = RULES
) -> pl.DataFrame:
    """The effects whose verdict a blocking finding withholds.

    One row for each effect: the key of EFFECTS, and `rule_id`, `message` and `message_zh` of the
    first such finding. The rule's scope says which effects a finding concerns, where null means all
    of them. A finding of another check (an expectation) concerns the effects whose key it names.
    """
    scopes = {rule.id: rule.scope for rule in rules}
    by_columns: dict[tuple[str, ...], list[Mapping[str, object]]] = {}
    for finding in checks.filter(severity="blocks", status="failed").iter_rows(named=True):
        scope = scopes.get(finding["rule_id"], EFFECTS.key)
        columns = tuple(column for column in scope if finding[column] is not None)
        by_columns.setdefault(columns, []).append(finding)
    shown = ("rule_id", "message", "message_zh")
    hits = [
        effects.select(EFFECTS.key)
        .join(CHECKS.frame(findings).select(*columns, *shown), on=columns)
        .select(*EFFECTS.key, *shown)
        for columns, findings in by_columns.items()
    ]
    none = CHECKS.frame().select(*EFFECTS.key, *shown)
    return pl.concat([none, *hits]).unique(EFFECTS.key, keep="first", maintain_order=True)
