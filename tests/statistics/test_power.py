"""What a verdict can see: before a campaign, and for each effect after it."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tasks.model.metrics import METRICS
from tasks.statistics.decision_rules import ANALYSES, DecisionRules
from tasks.statistics.effects import analyze
from tasks.statistics.power import (
    Called,
    Judged,
    called_shares,
    forecast,
    iterations_within,
    largest_within,
    smallest_overhead,
)
from tasks.storage.schema import EFFECTS

from .small_campaign import RULES, effects, simulated

PLACE = ("host", "throughput_single_tcp", "throughput_bps")
NOTHING_STORED = pl.DataFrame(
    schema={**dict.fromkeys(("layer", "workload", "metric"), pl.String), "sd": pl.Float64,
            "prior_df": pl.Float64}
)  # fmt: skip
JUDGED = Judged(METRICS["throughput_bps"], 3.0, 0.01, 50.0, RULES)


def test_smallest_overhead_has_the_power_exactly() -> None:
    smallest = float(smallest_overhead(np.array([0.01]), np.array([5.0]), 0.004, 0.8, 0.03)[0])
    found = stats.nct.sf(stats.t.isf(0.004, 5), 5, (smallest - 0.03) / 0.01)
    assert found == pytest.approx(0.8, abs=1e-6)


def test_largest_within_has_the_power() -> None:
    largest = largest_within(0.01, 8.0, 0.05, 0.8, -0.04, 0.04)
    assert largest is not None
    rng = np.random.default_rng(1)
    estimate = largest + 0.01 * rng.normal(size=200_000)
    se = 0.01 * np.sqrt(rng.chisquare(8, 200_000) / 8)
    t = stats.t.isf(0.05, 8)
    within = (estimate + t * se < 0.04) & (estimate - t * se > -0.04)
    assert within.mean() == pytest.approx(0.8, abs=0.005)


def test_no_cost_is_found_within_the_margin_where_the_error_is_too_large() -> None:
    assert largest_within(0.02, 8.0, 0.05, 0.8, -0.03, 0.03) is None


def test_at_the_forecast_cost_a_verdict_comes_in_eight_of_ten_campaigns() -> None:
    """The spread from some nights, the verdicts from others: corrected, and against the margin."""
    pilots = pl.concat(
        analyze(*simulated({}, 4, seed), {"throughput_bps": 3.0}, RULES).effects
        for seed in range(90, 96)
    )
    sd, prior_df = pilots.select(
        (pl.col("se_log") * pl.col("n").sqrt()).median(), (pl.col("df") - pl.col("n") + 1).median()
    ).row(0)
    judged = replace(JUDGED, sd=sd, prior_df=prior_df, called=Called(overhead=0.8 * 8 / 42))
    cost = judged.overhead_from(4)
    assert cost is not None
    costly = {f"case_{i}": cost for i in range(8)}
    nights = [analyze(*simulated(costly, 4, seed), {"throughput_bps": 3.0}, RULES).effects
              for seed in range(25)]  # fmt: skip
    verdicts = pl.concat(nights).filter(pl.col("case").is_in(list(costly)))["verdict"]
    assert (verdicts == "overhead").mean() == pytest.approx(0.8, abs=0.08)


def test_an_effect_says_from_which_cost_on_it_would_have_been_decided() -> None:
    """In the same campaign, nine in ten costs at least as large are decided, few of half of it."""
    costs = {f"case_{i}": 2.0 + i / 2 for i in range(12)}
    found = pl.concat(
        analyze(*simulated(costs, 4, seed), {"throughput_bps": 3.0}, RULES).effects
        for seed in range(10)
    )
    truth = pl.col("case").replace_strict(costs, default=None, return_dtype=pl.Float64)
    decided = pl.col("verdict") == "overhead"
    above = found.filter(truth.is_between(pl.col("mde"), pl.col("mde") + 2)).select(decided.mean())
    below = found.filter(truth < 3.0).select(decided.mean())
    assert above.item() > 0.8 and below.item() < 0.02


def test_without_a_margin_no_cost_is_decided() -> None:
    found = analyze(*simulated({}, 3, seed=1), {}, RULES).effects
    assert found["mde"].null_count() == len(found)


def test_looking_often_needs_more_iterations() -> None:
    often = replace(JUDGED, sd=0.03, rules=DecisionRules(analyses=ANALYSES)).needed()
    once = replace(JUDGED, sd=0.03).needed()
    assert once is not None and often is not None and often > once


def test_needed_iterations_decide_and_one_fewer_does_not() -> None:
    judged = replace(JUDGED, sd=0.03)
    needed = judged.needed()
    assert needed is not None
    assert judged.decides(needed) and not judged.decides(needed - 1)


def test_called_shares_are_those_of_stored_verdicts() -> None:
    rows = [{"case": f"c{i}", "p_overhead": 0.5, "verdict": "inconclusive"} for i in range(20)]
    rows[0]["verdict"] = rows[1]["verdict"] = "overhead"
    rows[2]["verdict"] = "no_overhead_within_margin"
    assert called_shares(effects(*rows)) == Called(overhead=3 / 20, within=0.5)
    assert called_shares(EFFECTS.frame()) == Called()


def test_a_time_budget_is_whole_iterations() -> None:
    assert [iterations_within(t, 3600) for t in (0, 3599, 6 * 3600 + 5)] == [0, 0, 6]


def test_stored_spread_is_used_and_a_default_says_that_it_is_one() -> None:
    stored = pl.DataFrame([(*PLACE, 0.01, 37.0)], NOTHING_STORED.schema, orient="row")
    other = ("vm", *PLACE[1:])
    table = forecast(6, [PLACE, other], stored, {"throughput_bps": 3.0}, RULES)
    assert table["sd"].to_list() == pytest.approx([0.01, 0.02])
    assert table["source"].to_list() == ["measured", "default"]
    assert "default" in table["text"][1]
    assert "to tell 0 from 6 % takes about" in table["text"][1]


def test_one_iteration_gives_no_verdict_and_says_so() -> None:
    row = forecast(1, [PLACE], NOTHING_STORED, {"throughput_bps": 3.0}, RULES).row(0, named=True)
    assert (row["overhead"], row["within"]) == (None, None)
    assert "no verdict" in row["text"]


def test_a_metric_without_margin_has_no_forecast() -> None:
    row = forecast(6, [PLACE], NOTHING_STORED, {}, RULES).row(0, named=True)
    assert (row["overhead"], row["needed"]) == (None, None)
    assert "no margin" in row["text"]


def test_an_error_that_is_tiny_beside_the_margin_is_no_trouble() -> None:
    for se in (1e-5, 1e-4, 5e-4):
        largest = largest_within(se, 60.0, 0.025, 0.8, -0.03, 0.03)
        assert largest == pytest.approx(0.03, abs=5 * se)
