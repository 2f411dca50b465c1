"""What a night will be able to see."""

import numpy as np
import polars as pl
import pytest

from tasks.statistics.decision_rules import ANALYSES, DecisionRules
from tasks.statistics.power import (
    forecast,
    iterations_needed,
    iterations_within,
    spreads,
    visible_cost,
)
from tasks.storage.schema import EFFECTS

from .small_campaign import RULES

PLACE = ("host", "throughput_single_tcp", "throughput_bps")


def test_smallest_visible_cost_is_the_textbooks() -> None:
    # t(0.975, 3) = 3.182446, t(0.8, 3) = 0.978472; SD 2 %, n = 4: 4.160918·0.02/2 on the logarithm
    assert visible_cost("latency_mean_us", 4, 0.02, 0, RULES) == pytest.approx(
        100 * np.expm1(0.04160918), rel=1e-6
    )
    assert visible_cost("throughput_bps", 4, 0.02, 0, RULES) == pytest.approx(
        -100 * np.expm1(-0.04160918), rel=1e-6
    )


def test_one_percent_at_two_percent_spread_needs_some_36_iterations() -> None:
    needed = iterations_needed("throughput_bps", 1.0, 0.02, 0, RULES)
    assert needed is not None and 30 <= needed <= 38


def test_looking_often_needs_more_iterations() -> None:
    once = iterations_needed("throughput_bps", 3.0, 0.02, 50, RULES)
    often = iterations_needed("throughput_bps", 3.0, 0.02, 50, DecisionRules(analyses=ANALYSES))
    assert once is not None and often is not None and often > once


def test_a_time_budget_is_whole_iterations() -> None:
    assert [iterations_within(t, 3600) for t in (0, 3599, 6 * 3600 + 5)] == [0, 0, 6]


def test_stored_spread_is_used_and_a_default_says_that_it_is_one() -> None:
    stored = pl.DataFrame(
        {"layer": ["host"], "workload": [PLACE[1]], "metric": [PLACE[2]],
         "se_log": [0.005], "n": [4], "df": [40.0]}
    )  # fmt: skip
    other = ("vm", *PLACE[1:])
    table = forecast(6, [PLACE, other], spreads(stored), {"throughput_bps": 3.0}, RULES)
    assert table["sd"].to_list() == pytest.approx([0.01, 0.02])
    assert table["source"].to_list() == ["measured", "default"]
    assert "default" in table["text"][1]
    assert "out of reach" in table["text"][1]


def test_one_iteration_sees_nothing_and_says_so() -> None:
    nothing_stored = spreads(EFFECTS.frame())
    row = forecast(1, [PLACE], nothing_stored, {}, RULES).row(0, named=True)
    assert (row["visible"], row["needed"]) == (None, None)
    assert "no cost is visible" in row["text"]
