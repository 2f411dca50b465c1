"""Budgets."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tasks.model.errors import InputError, InputErrors
from tasks.model.names import ROOT
from tasks.statistics.budgets import Budget, HeldLimit, hold, read_budget
from tasks.statistics.reasons import sentence
from tasks.statistics.verdicts import withhold

from .small_campaign import effects

PUBLISHED = ROOT / "config" / "budgets" / "published.yaml"


def cpu(low: float, high: float, **other: Any) -> pl.DataFrame:
    """One effect of a summary tool on its own CPU time."""
    common = {"metric": "tool_cpu_pct", "tool": "t", "tool_class": "summary", "verdict": "overhead"}
    cost = {"estimate": (low + high) / 2, "ci_low": low, "ci_high": high}
    return effects(common | cost | other)


def broken(effects: pl.DataFrame, budget: Budget) -> list[HeldLimit]:
    return [one for one in hold(effects, budget) if one.state == "above"]


def test_only_a_proven_excess_breaks_a_budget() -> None:
    budget = read_budget(PUBLISHED)
    assert broken(cpu(4, 6), budget) == []
    assert broken(cpu(40, 90, tool_class="details_unfiltered"), budget) == []  # no end
    (found,) = broken(cpu(5.1, 6), budget)
    assert str(found) == "env/host x w tool_cpu_pct: +5.55 [+5.1, +6] % is above the budget of 5"


def test_an_effect_whose_verdict_is_withheld_breaks_nothing() -> None:
    refused = withhold(
        cpu(9, 10), pl.lit("calibration.placebo"), sentence("calibration", pl.lit("it"))
    )
    assert broken(refused, read_budget(PUBLISHED)) == []


def parsed(folder: Path, text: str) -> Budget:
    (folder / "b.yaml").write_text(text)
    return read_budget(folder / "b.yaml")


def test_a_limit_applies_to_the_cases_that_match_its_selectors(tmp_path: Path) -> None:
    limits = "[{tool: t, workload: v, metric: tool_cpu_pct, max: 1}]"
    budget = parsed(tmp_path, f"name: mine\nlimits: {limits}")
    both = pl.concat([cpu(2, 3), cpu(2, 3, workload="v")])
    assert [one.effect["workload"] for one in broken(both, budget)] == ["v"]


def test_a_cost_is_within_above_or_undecided() -> None:
    budget = read_budget(PUBLISHED)
    states = [hold(cpu(*ends), budget)[0].state for ends in ((1, 5), (5.1, 6), (4, 6))]
    assert states == ["within", "above", "undecided"]
    assert "+5 [+4, +6] % is not proven within the budget of 5" in str(hold(cpu(4, 6), budget)[0])


def test_a_limit_for_what_was_not_measured_is_refused(tmp_path: Path) -> None:
    budget = parsed(tmp_path, "name: mine\nlimits: [{tool: tt, metric: tool_cpu_pct, max: 1}]")
    with pytest.raises(InputError, match=r"b: limits\[0\].tool: 'tt' was not measured; .*one of t"):
        hold(cpu(2, 3), budget, "b")


def test_a_limit_must_be_a_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"limits\[0\].max"):
        parsed(tmp_path, "name: mine\nlimits: [{metric: tool_cpu_pct, max: .nan}]")


def test_all_mistakes_of_a_budget_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputErrors) as caught:
        parsed(tmp_path, "limits: [{metric: cpu, max: 1}, {metric: lost_pct}]\nnme: x")
    text = str(caught.value)
    assert "b.yaml:1: limits[0].metric: unknown metric; expected one of" in text
    assert "b.yaml:1: limits[1].max: is missing" in text
    assert "b.yaml:2: nme: unknown key" in text
