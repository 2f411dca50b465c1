"""Budgets."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tasks.model.errors import InputErrors
from tasks.model.names import ROOT
from tasks.statistics.budgets import Budget, broken, read_budget
from tasks.statistics.reasons import sentence
from tasks.statistics.verdicts import withhold

from .small_campaign import effects

PUBLISHED = ROOT / "config" / "budgets" / "published.yaml"


def cpu(low: float, high: float, **other: Any) -> pl.DataFrame:
    """One effect of a summary tool on its own CPU time."""
    common = {"metric": "tool_cpu_pct", "tool": "t", "tool_class": "summary", "verdict": "overhead"}
    cost = {"estimate": (low + high) / 2, "ci_low": low, "ci_high": high}
    return effects(common | cost | other)


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
    assert broken(cpu(2, 3), budget) == []
    assert len(broken(cpu(2, 3, workload="v"), budget)) == 1


def test_all_mistakes_of_a_budget_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputErrors) as caught:
        parsed(tmp_path, "limits: [{metric: cpu, max: 1}, {metric: lost_pct}]\nnme: x")
    text = str(caught.value)
    assert "b.yaml:1: limits[0].metric: unknown metric; expected one of" in text
    assert "b.yaml:1: limits[1].max: is missing" in text
    assert "b.yaml:2: nme: unknown key" in text
