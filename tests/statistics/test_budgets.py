"""Budgets and the published expectations."""

from typing import Any

import polars as pl
import pytest

from tasks.model.errors import InputErrors
from tasks.model.names import CONFIG
from tasks.statistics.budgets import broken, expectations, parse_budget, read_budget
from tasks.statistics.costmodel import predicted, read_cost_model
from tasks.statistics.verdicts import withhold
from tasks.storage.schema import BPF_PROGRAMS, EFFECTS

PUBLISHED = CONFIG / "budgets" / "published.yaml"


def effects(*rows: dict[str, Any]) -> pl.DataFrame:
    common = {
        "environment": "env", "run": "r1", "layer": "host", "case": "x", "workload": "w",
        "metric": "tool_cpu_pct", "kind": "tool", "tool": "t", "tool_class": "summary",
        "unit": "%", "scale": "difference", "primary": False, "n": 4, "verdict": "overhead",
    }  # fmt: skip
    return EFFECTS.frame(common | row for row in rows)


def cost(low: float, high: float, **other: Any) -> dict[str, Any]:
    return {"estimate": (low + high) / 2, "ci_low": low, "ci_high": high} | other


@pytest.mark.parametrize(
    ("row", "expectation"),
    [
        (cost(1, 4), "meets"),
        (cost(4, 6), "mostly_meets"),
        (cost(5.1, 6), "does_not_meet"),
        ({"estimate": 1.0}, "unknown"),
        (cost(20, 29, tool_class="details_unfiltered"), "meets"),
        (cost(20, 90, tool_class="details_unfiltered"), "mostly_meets"),
        (cost(14, 16, tool_class="details_filtered"), "mostly_meets"),
    ],
)
def test_each_expectation_has_its_rule(row: dict[str, Any], expectation: str) -> None:
    found = expectations(effects(row), read_budget(PUBLISHED))
    assert found["expectation"].to_list() == [expectation]


def test_one_proven_excess_outweighs_all_that_is_kept() -> None:
    found = expectations(
        effects(cost(1, 2), cost(9, 11, metric="latency_mean_us")), read_budget(PUBLISHED)
    ).row(0, named=True)
    assert found["expectation"] == "does_not_meet"
    assert found["reason"] == "w latency_mean_us: [+9, +11] % (limit 5 %)"


def test_only_a_proven_excess_breaks_a_budget() -> None:
    budget = read_budget(PUBLISHED)
    assert broken(effects(cost(4, 6)), budget) == []
    (found,) = broken(effects(cost(5.1, 6)), budget)
    assert str(found) == "env/host x w tool_cpu_pct: +5.55 [+5.1, +6] % is above the budget of 5"


def test_an_effect_whose_verdict_is_withheld_breaks_nothing() -> None:
    refused = withhold(effects(cost(9, 10)), pl.lit("calibration.placebo failed"))
    assert broken(refused, read_budget(PUBLISHED)) == []
    assert expectations(refused, read_budget(PUBLISHED))["expectation"].to_list() == ["unknown"]


def test_a_limit_is_for_the_cases_that_its_selectors_name() -> None:
    budget = parse_budget(
        "name: mine\nlimits: [{tool: t, workload: v, metric: tool_cpu_pct, max: 1}]", "b.yaml"
    )
    assert broken(effects(cost(2, 3)), budget) == []
    assert len(broken(effects(cost(2, 3, workload="v")), budget)) == 1


def test_all_mistakes_of_a_budget_are_told_at_once() -> None:
    with pytest.raises(InputErrors) as caught:
        parse_budget("limits: [{metric: cpu, max: 1}, {metric: lost_pct}]\nnme: x", "b.yaml")
    text = str(caught.value)
    assert "b.yaml: limits.0.metric: unknown metric; expected one of" in text
    assert "b.yaml: limits.1.max: Field required" in text
    assert "b.yaml: nme: " in text


def test_a_program_is_held_against_the_design_cost_model() -> None:
    # summary: 50·1 + 1·20 = 70 ns to 300·3 + 4·100 = 1300 ns
    common = {
        "environment": "env", "run": "r1", "layer": "host", "iteration": 1, "position": 1,
        "case": "x", "kind": "tool", "program_id": 7, "type": "kprobe", "tool_class": "summary",
    }  # fmt: skip
    frame = BPF_PROGRAMS.frame(common | {"ns_per_event": ns} for ns in (50.0, 450.0, 9_400.0, None))
    found = predicted(frame, read_cost_model(CONFIG / "cost_model.yaml"))
    assert found["against_model"].to_list() == ["below", "within", "above", None]
    assert found.select("body_low_ns", "body_high_ns", "entry_low_ns", "entry_high_ns").row(0) == (
        70, 1300, 30, 50,
    )  # fmt: skip
