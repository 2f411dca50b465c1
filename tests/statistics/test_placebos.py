"""What the harness costs is no tool's cost, even if it is too small for the placebo check."""

from typing import Any

import polars as pl
import pytest

from tasks.statistics.effects import analyze
from tasks.statistics.placebos import held_against_placebos

from .small_campaign import RULES, simulated

MARGINS = {"throughput_bps": 3.0}
NAMES = [f"case_{i}" for i in range(40)] + ["placebo_1", "placebo_2"]


def verdicts(harness: float, n: int, **costs: float) -> pl.DataFrame:
    """Share of each verdict among tools, by whether they cost something themselves."""
    every = dict.fromkeys(NAMES, harness) | {case: cost + harness for case, cost in costs.items()}
    found = pl.concat(
        analyze(*simulated(every, n, seed), MARGINS, RULES).effects for seed in range(24)
    )
    costly = pl.col("case").is_in(list(costs))
    return found.filter(kind="tool").group_by(costly.alias("costly"), "verdict").len()


def share(table: pl.DataFrame, verdict: str, *, costly: bool) -> float:
    part = table.filter(costly=costly)
    return float(part.filter(verdict=verdict)["len"].sum() / part["len"].sum())


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize(
    ("harness", "verdict"), [(1.5, "overhead_unresolved"), (-1.5, "implausible_gain")]
)
def test_a_harness_effect_on_everything_is_published_for_no_tool(
    harness: float, verdict: str, n: int
) -> None:
    assert share(verdicts(harness, n), verdict, costly=False) < 0.02


def test_a_cost_above_the_placebos_is_still_found() -> None:
    found = verdicts(1.0, 4, case_0=2.5, case_1=2.5, case_2=2.5)
    known = sum(share(found, v, costly=True) for v in ("overhead", "overhead_unresolved"))
    assert known > 0.4


def rows(*effects: dict[str, Any]) -> pl.DataFrame:
    common: dict[str, Any] = {
        "environment": "e", "run": "r", "layer": "host", "workload": "w",
        "metric": "latency_mean_us", "df": 40.0, "p_gain": 0.9, "p_positive": 0.001,
    }  # fmt: skip
    return pl.DataFrame([common | effect for effect in effects])


def test_a_tool_like_the_placebos_says_so_and_one_above_them_does_not() -> None:
    found = held_against_placebos(
        rows(
            {"kind": "tool", "estimate_log": 0.02, "se_log": 0.005},
            {"kind": "tool", "estimate_log": 0.08, "se_log": 0.005},
            {"kind": "placebo", "estimate_log": 0.02, "se_log": 0.005},
        )
    )
    assert found["like_placebo"].to_list() == [True, False, False]
    like, above, placebo = found["p_positive"]
    assert like == pytest.approx(0.5)
    assert above == 0.001, "the larger of the two"
    assert placebo == 0.001, "a placebo is held against zero alone"


def test_without_a_placebo_zero_alone_counts() -> None:
    tools = rows({"kind": "tool", "estimate_log": 0.02, "se_log": 0.005},
                 {"kind": "placebo", "estimate_log": 0.02, "se_log": None})  # fmt: skip
    assert held_against_placebos(tools)["p_positive"].to_list() == [0.001, 0.001]
