"""A cell against the interpolation of its two baselines."""

import math

import polars as pl
import pytest

from tasks.model.errors import DatasetError
from tasks.statistics.differences import cell_values, differences

from .small_campaign import campaign, where


def diffs(cells: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    return differences(cell_values(cells, samples)).sort("position")


def test_the_baseline_is_interpolated_to_the_time_of_the_case_on_the_logarithm() -> None:
    # 100 → 200 over three steps: at a third of the way the baseline is 100·2^(1/3)
    cells, samples = campaign([[("b", 100), ("x", 90), ("y", 150), ("b", 200)]])
    found = diffs(cells, samples)
    assert found["weight"].to_list() == pytest.approx([1 / 3, 2 / 3])
    assert found["d"].to_list() == pytest.approx(
        [math.log(90 / (100 * 2 ** (1 / 3))), math.log(150 / (100 * 2 ** (2 / 3)))]
    )


def test_differences_of_cpu_are_taken_in_its_own_unit() -> None:
    cells, samples = campaign([[("b", 40), ("x", 75), ("b", 60)]], metric="server_cpu_pct")
    assert diffs(cells, samples)["d"].to_list() == [25.0]


def test_a_tools_own_metric_needs_no_baseline() -> None:
    cells, samples = campaign([[("b", None), ("x", 3.5), ("b", None)]], metric="tool_cpu_pct")
    assert diffs(cells, samples)["d"].to_list() == [3.5]


def test_a_drift_that_is_linear_between_two_baselines_leaves_no_trace() -> None:
    slots = [("b", 0), ("x", 0), ("y", 0), ("z", 0), ("b", 0)]
    drifting = [(case, 100 * math.exp(0.1 * i)) for i, (case, _) in enumerate(slots)]
    assert diffs(*campaign([drifting]))["d"].to_list() == pytest.approx([0, 0, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("slots", "problem"),
    [
        ([("x", 9.0), ("b", 10.0)], "no baseline before it"),
        ([("b", 10.0), ("x", 9.0)], "no baseline after it"),
        ([("x", 9.0)], "no baseline of this workload"),
        ([("b", 10.0), ("x", None), ("b", 10.0)], "no value of this metric"),
        ([("b", 10.0), ("x", math.nan), ("b", 10.0)], "no value of this metric"),
        ([("b", 10.0), ("x", 0.0), ("b", 10.0)], "value not above 0: no logarithm"),
    ],
)
def test_what_cannot_be_compared_says_why(
    slots: list[tuple[str, float | None]], problem: str
) -> None:
    found = diffs(*campaign([slots]))
    assert found["d"].to_list() == [None]
    assert found["problem"].struct.field("en").to_list() == [problem]


def test_the_next_baseline_stands_in_for_one_that_did_not_pass() -> None:
    cells, samples = campaign([[("b", 80), ("b", 100), ("x", 90), ("b", 100)]])
    cells = where(cells, "status", "invalid", position=1)
    found = diffs(cells, samples)
    assert found["left_value"].to_list() == [80]
    assert found["weight"].to_list() == pytest.approx([2 / 3])


def test_baselines_of_another_iteration_are_never_used() -> None:
    found = diffs(*campaign([[("b", 10), ("x", 9)], [("b", 10), ("b", 10)]]))
    assert found["problem"].struct.field("en").to_list() == ["no baseline after it"]


def test_a_cell_run_again_counts_once_with_its_last_attempt() -> None:
    cells, samples = campaign([[("b", 100), ("x", 50), ("x", 90), ("b", 100)]])
    cells = where(cells, "attempt", 2, position=2)
    samples = where(samples, "attempt", 2, position=2)
    assert diffs(cells, samples)["value"].to_list() == [90]


def test_no_difference_is_taken_across_a_change_of_kernel_or_nic_settings() -> None:
    cells, samples = campaign([[("b", 10), ("x", 9), ("b", 10)]], epoch="old")
    found = diffs(where(cells, "epoch", "new", position=2), samples)
    assert found["problem"].struct.field("en").to_list() == [
        "kernel or NIC settings changed between its baselines"
    ]


def test_a_cell_whose_time_is_unknown_is_not_interpolated() -> None:
    cells, samples = campaign([[("b", 10), ("x", 9), ("y", 9), ("b", 10), ("b", 10)]])
    found = diffs(where(cells, "started", None, case="x"), samples)
    assert found["problem"].struct.field("en").to_list() == ["time of the window unknown", None]


def test_a_baseline_whose_time_is_unknown_is_no_neighbour() -> None:
    cells, samples = campaign([[("b", 50), ("b", 10), ("x", 9), ("b", 50), ("b", 10)]])
    untimed = where(where(cells, "started", None, position=0), "started", None, position=3)
    found = diffs(untimed, samples)
    assert (found["left_value"].item(), found["right_value"].item()) == (10, 10)


def test_two_values_of_one_metric_in_one_cell_are_refused() -> None:
    cells, samples = campaign([[("b", 10), ("x", 9), ("b", 10)]])
    with pytest.raises(DatasetError, match="two values of one metric"):
        cell_values(cells, pl.concat([samples, samples]))


def test_baselines_with_a_pause_between_them_are_no_neighbours() -> None:
    cells, samples = campaign([[("b", 10), ("x", 9), ("b", 10), ("y", 9), ("b", 10), ("b", 10)]])
    night = pl.col("position") > 3
    hours = pl.when(night).then(pl.duration(hours=17)).otherwise(pl.duration())
    later = cells.with_columns(pl.col("started") + hours, pl.col("ended") + hours)
    found = diffs(later, samples).sort("position")
    assert found["problem"].struct.field("en").to_list() == [
        None,
        "a pause of 17.1 h between its baselines",
    ]
    assert found["d"].is_null().to_list() == [False, True]
