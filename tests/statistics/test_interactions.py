"""Tools together: the interaction that was put in comes out, with an interval that covers."""

import numpy as np
import polars as pl
import pytest

from tasks.statistics.differences import cell_values, differences
from tasks.statistics.interactions import colliding, interactions, losses_together
from tasks.storage.schema import COMPLETENESS

from .small_campaign import RULES, WORKLOAD, campaign

MARGINS = {"throughput_bps": 3.0}
LEVEL = 1e9


def measured(
    rng: np.random.Generator, beyond: float, iterations: int = 6, noise: float = 0.01
) -> pl.DataFrame:
    """Of a and c, which add 5 and 11 % to the time of a byte, and together `beyond` more (log)."""
    costs = {"a": 0.05, "c": 0.10, "a+c": np.log(np.exp(0.05) + np.exp(0.10) - 1) + beyond}
    order = ["base", *costs, "base"]
    rows = []
    for _ in range(iterations):
        drift = rng.normal(0, 0.03)
        rows.append(
            [
                (case, LEVEL * np.exp(drift - costs.get(case, 0.0) + rng.normal(0, noise)))
                for case in order
            ]
        )
    return of_campaign(rows)


def of_campaign(rows: list[list[tuple[str, float | None]]]) -> pl.DataFrame:
    cells, samples = campaign(rows)
    parts = pl.when(pl.col("case").str.contains("+", literal=True)).then("case")
    cells = cells.with_columns(parts=parts)
    return interactions(cells, differences(cell_values(cells, samples)), MARGINS, RULES)


@pytest.mark.parametrize(
    ("beyond", "verdict"), [(0.0, "additive"), (0.15, "more_than_sum"), (-0.15, "less_than_sum")]
)
def test_what_two_tools_cost_beyond_their_sum_has_a_verdict(beyond: float, verdict: str):
    found = measured(np.random.default_rng(3), beyond, noise=0.003)
    (row,) = found.to_dicts()
    assert (row["case"], row["workload"], row["n"]) == ("a+c", WORKLOAD, 6)
    assert row["verdict"] == verdict
    assert row["ci_low"] < 100 * (1 - np.exp(-beyond)) < row["ci_high"]


def test_the_interval_covers_as_often_as_it_says_and_costs_alone_do_not_enter_it():
    rng = np.random.default_rng(4)
    rows = [measured(rng, 0.0).row(0, named=True) for _ in range(300)]
    inside = sum(row["ci_low"] <= 0 <= row["ci_high"] for row in rows)
    assert 0.91 < inside / 300 < 0.99
    assert abs(np.mean([row["estimate"] for row in rows])) < 0.3


def test_what_every_case_costs_does_not_count_once_for_each_tool():
    """A placebo costs 4 %, and so does each case on top of its own: nothing is beyond the sum."""
    costs = {"a": 0.05, "c": 0.10, "p1": 0.0, "a+c": 0.15}
    order = ["base", *costs, "base"]
    rng = np.random.default_rng(5)
    rows = [
        [
            (
                case,
                LEVEL / (1 + costs[case] + 0.04 + rng.normal(0, 0.001)) if case in costs else LEVEL,
            )
            for case in order
        ]
        for _ in range(6)
    ]
    (row,) = of_campaign(rows).to_dicts()
    assert row["verdict"] == "additive"
    assert row["ci_low"] < 0 < row["ci_high"]
    assert row["ci_high"] - row["ci_low"] < 2


def test_an_iteration_in_which_one_was_not_measured_alone_does_not_count():
    one = [("base", LEVEL), ("a", LEVEL), ("c", LEVEL), ("a+c", LEVEL), ("base", LEVEL)]
    gone = [(case, None if case == "c" else value) for case, value in one]
    found = of_campaign([one, gone, one, one])
    (row,) = found.to_dicts()
    assert row["n"] == 3
    assert "one of its tools was not measured alone here" in row["reason"]


def test_a_campaign_without_such_cases_has_none():
    assert of_campaign([[("base", LEVEL), ("a", LEVEL), ("base", LEVEL)]]).is_empty()


def test_what_a_tool_loses_beside_another_stands_beside_what_it_loses_alone():
    key = {"environment": "e", "run": "r", "layer": "host", "iteration": 1, "workload": "w",
           "attempt": 1, "kind": "tool"}  # fmt: skip
    rows = [
        key | {"case": case, "part": part, "position": at, "lost_low_pct": low,
               "lost_high_pct": high}
        for at, (case, part, low, high) in enumerate(
            [("a", "a", 0.0, 0.0), ("b", "b", 0.0, None), ("a+b", "a", 12.0, 13.0),
             ("a+b", "b", None, None)]
        )
    ]  # fmt: skip
    found = losses_together(COMPLETENESS.frame(rows))
    columns = ("part", "lost_low_pct", "lost_high_pct", "lost_low_pct_alone", "lost_high_pct_alone")
    assert found.select(columns).rows() == [
        ("a", 12.0, 13.0, 0.0, 0.0), ("b", None, None, 0.0, None),
    ]  # fmt: skip
    assert colliding(found) == {("e", "r", "host", "a+b", "w"): ["a"]}, "of b nothing is known"
