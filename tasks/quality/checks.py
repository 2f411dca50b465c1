"""The rules over the tables, and the effects that a blocking finding withholds."""

from collections.abc import Mapping, Sequence

import polars as pl

from ..storage.schema import CHECKS, TABLES
from .rule import EFFECT_KEYS, Rule, Tables, rows
from .rules import RULES


def run_rules(tables: Mapping[str, pl.DataFrame], rules: Sequence[Rule] = RULES) -> pl.DataFrame:
    """Every rule over the tables at hand: rows of `checks`.

    `tables` maps names of tables to frames of their schema; one that is absent counts as empty,
    and a rule that finds no subject says nothing.
    """
    whole = complete(tables)
    return pl.concat([CHECKS.frame(), *(rows(rule, rule.judge(whole)) for rule in rules)])


def complete(tables: Mapping[str, pl.DataFrame]) -> Tables:
    """All seven tables: those given, and empty ones for the rest."""
    return {name: tables.get(name, table.frame()) for name, table in TABLES.items()}


def withheld(
    checks: pl.DataFrame, effects: pl.DataFrame, rules: Sequence[Rule] = RULES
) -> pl.DataFrame:
    """The effects whose verdict a blocking finding withholds.

    One row for each effect: environment, run, layer, case, workload, metric, `rule_id` and
    `message` (of the first such finding). A rule's scope says which effects a finding reaches; a
    finding's null means all. Findings of other checks (expectations) reach what they name.
    """
    scopes = {rule.id: rule.scope for rule in rules}
    by_reach: dict[tuple[str, ...], list[Mapping[str, object]]] = {}
    for finding in checks.filter(severity="blocks", status="failed").iter_rows(named=True):
        scope = scopes.get(finding["rule_id"], EFFECT_KEYS)
        reach = tuple(column for column in scope if finding[column] is not None)
        by_reach.setdefault(reach, []).append(finding)
    hit = [
        effects.select(EFFECT_KEYS).join(
            CHECKS.frame(found).select(*reach, "rule_id", "message"), on=reach
        )
        for reach, found in by_reach.items()
    ]
    empty = CHECKS.frame().select(*EFFECT_KEYS, "rule_id", "message")
    columns = empty.columns
    return pl.concat([empty, *(frame.select(columns) for frame in hit)]).unique(
        EFFECT_KEYS, keep="first", maintain_order=True
    )
