"""Two runs and two versions of a tool."""

import polars as pl
import pytest

from tasks.statistics.contrasts import compare_runs, compare_versions, match_versions
from tasks.statistics.differences import cell_values, differences
from tasks.statistics.effects import analyze
from tasks.statistics.reasons import sentence
from tasks.statistics.verdicts import withhold

from .small_campaign import RULES, campaign, effect, where

MARGINS = {"throughput_bps": 3.0}


def run(cost: float, level: float = 100.0) -> pl.DataFrame:
    slots = [
        [("b", level), ("x", level * (1 - (cost + w) / 100)), ("b", level)]
        for w in (-0.5, 0.5, -0.4, 0.4, 0.0)
    ]
    return analyze(*campaign(slots), MARGINS, RULES).effects


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(5, 15, "worse"), (15, 5, "better"), (5, 5.1, "same_within_margin"),
     (5, 8, "worse_unresolved")],
)  # fmt: skip
def test_two_runs_differ_or_not(before: float, after: float, verdict: str) -> None:
    row = effect(compare_runs(run(before), run(after), MARGINS, RULES), case="x")
    assert row["verdict"] == verdict
    assert row["ci_low"] < row["estimate"] < row["ci_high"]


def test_the_difference_of_two_runs_is_the_ratio_of_their_ratios() -> None:
    # 0.90 against 0.80 of the baseline: 1 − 0.80/0.90 = 11.1 % worse
    row = effect(compare_runs(run(10), run(20), MARGINS, RULES), case="x")
    assert row["estimate"] == pytest.approx(100 * (1 - 0.80 / 0.90), abs=0.02)


def test_a_change_of_the_hosts_level_is_no_difference_of_the_tool() -> None:
    row = effect(compare_runs(run(5), run(5, level=300.0), MARGINS, RULES), case="x")
    assert abs(row["estimate"]) < 1e-9


def test_degrees_of_freedom_of_equal_runs_add_up() -> None:
    # Welch–Satterthwaite with equal variances and df: 4 + 4
    a, b = run(5), run(15)
    row = effect(compare_runs(a, b, MARGINS, RULES), case="x")
    assert row["n"] == 5
    assert row["p_two_sided"] < 1e-6


def test_what_is_withheld_in_one_run_is_not_compared() -> None:
    refused = withhold(
        run(15), pl.lit("calibration.placebo"), sentence("calibration", pl.lit("the placebo"))
    )
    row = effect(compare_runs(run(5), refused, MARGINS, RULES), case="x")
    assert (row["verdict"], row["estimate"]) == ("inconclusive", None)
    assert "second run: verdict withheld: the placebo failed" in row["reason"]


def versions() -> tuple[pl.DataFrame, pl.DataFrame]:
    slots = [
        [("b", 100.0), ("old", 90 + w), ("new", 80 + w), ("b", 100.0)]
        for w in (0.0, 0.3, -0.3, 0.2)
    ]
    cells, samples = campaign(slots, parameters="{}")
    return cells, samples


def test_versions_are_matched_by_layer_and_parameters() -> None:
    cells, _ = versions()
    assert match_versions(cells, "new", "old") == {"new": "old"}
    other = where(cells, "parameters", '{"protocol": "udp"}', case="old")
    assert match_versions(other, "new", "old") == {}


def test_two_versions_of_one_campaign_are_paired() -> None:
    cells, samples = versions()
    diffs = differences(cell_values(cells, samples))
    row = effect(compare_versions(cells, diffs, {"new": "old"}, MARGINS, RULES), case="new")
    assert row["against"] == "old"
    assert row["estimate"] == pytest.approx(100 * (1 - 80 / 90), abs=0.05)
    assert (row["n"], row["verdict"]) == (4, "worse")


def test_a_version_without_a_number_gives_no_difference() -> None:
    cells, samples = versions()
    diffs = differences(cell_values(where(cells, "status", "invalid", case="old"), samples))
    found = compare_versions(cells, diffs, {"new": "old"}, MARGINS, RULES)
    row = effect(found, case="new")
    assert (row["estimate"], row["verdict"]) == (None, "inconclusive")
    assert "no cell of the old version (4×)" in row["reason"]
