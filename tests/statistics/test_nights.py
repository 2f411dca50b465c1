"""Nights as blocks, and lasting changes between them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tasks.statistics.nights import SERIES, change_points, changes, combined, nights_measured

FIRST = datetime(2026, 3, 1, 22, tzinfo=UTC)


def nights(deltas: list[float], epochs: list[str] | None = None) -> pl.DataFrame:
    k = len(deltas)
    place = dict(zip(SERIES, ("env", "host", "x", "throughput_single_tcp", "throughput_bps"),
                     strict=True))  # fmt: skip
    return pl.DataFrame(
        {
            "run": [f"r{i}" for i in range(k)],
            "night": [FIRST + timedelta(days=i) for i in range(k)],
            "epoch": epochs or ["e"] * k,
            "estimate_log": deltas,
            "ratio": np.exp(deltas),
        }
    ).with_columns(pl.lit(value).alias(name) for name, value in place.items()).cast(
        {"night": pl.Datetime("us", "UTC")}
    )  # fmt: skip


def test_the_error_comes_from_the_spread_between_nights() -> None:
    # −0.10, −0.12, −0.14: mean −0.12, sd 0.02, t(0.975, 2) = 4.302653
    row = combined(nights([-0.10, -0.12, -0.14])).row(0, named=True)
    half = 4.302652729911275 * 0.02 / np.sqrt(3)
    assert row["nights"] == 3
    assert row["estimate"] == pytest.approx(-100 * np.expm1(-0.12))
    assert row["ci_low"] == pytest.approx(-100 * np.expm1(-0.12 + half))
    assert row["ci_high"] == pytest.approx(-100 * np.expm1(-0.12 - half))


def test_one_night_has_no_interval() -> None:
    row = combined(nights([-0.1])).row(0, named=True)
    assert (row["nights"], row["ci_low"], row["ci_high"]) == (1, None, None)


def test_epochs_are_never_averaged_together() -> None:
    assert combined(nights([0.1, 0.1, 0.5], ["a", "a", "b"]))["nights"].to_list() == [2, 1]


STEP = np.array([1.00, 1.01, 0.99, 1.00, 1.01, 0.99, 1.20, 1.21, 1.19, 1.20, 1.21])


def test_a_lasting_step_is_found_where_it_is() -> None:
    (change,) = change_points(STEP)
    assert change.start == 6
    assert (change.before, change.after) == pytest.approx((1.0, 1.202))
    assert change.p <= 1e-4


def test_a_step_needs_three_nights_to_be_believed() -> None:
    assert change_points(STEP[:8]) == []
    assert [change.start for change in change_points(STEP[:9])] == [6]


def test_nights_are_told_apart_by_pauses() -> None:
    """Two environments; the second pauses for 9 hours, which starts another night."""
    cells = pl.DataFrame(
        {
            "environment": ["a", "a", "b", "b", "b"],
            "started": [FIRST + timedelta(hours=h) for h in (0, 3, 0, 1, 10)],
        }
    )
    assert nights_measured(cells) == {"a": 1, "b": 2}


def test_a_single_outlier_is_no_change() -> None:
    values = np.array([1.0, 1.01, 0.99, 1.0, 1.6, 1.01, 0.99, 1.0, 1.01])
    assert change_points(values) == []


def test_two_steps_are_two_changes() -> None:
    values = np.concatenate([STEP, np.array([1.40, 1.41, 1.39, 1.40])])
    assert [change.start for change in change_points(values)] == [6, 11]


def test_steady_nights_show_no_change() -> None:
    rng = np.random.default_rng(4)
    found = sum(bool(change_points(rng.normal(1.0, 0.01, 20))) for _ in range(300))
    assert found <= 1


def test_a_level_that_goes_and_comes_back_is_two_changes() -> None:
    values = np.concatenate([STEP, STEP[:5]])
    assert [change.start for change in change_points(values)] == [6, 11]


def test_a_new_kernel_is_an_epoch_and_not_a_change_of_the_tool() -> None:
    epochs = ["old"] * 6 + ["new"] * 5
    found = changes(nights(list(np.log(STEP)), epochs))
    assert found["kind"].to_list() == ["epoch"]
    assert found["night"].to_list() == [FIRST + timedelta(days=6)]
    assert changes(nights(list(np.log(STEP))))["kind"].to_list() == ["level"]


def test_the_levels_around_an_epoch_are_those_next_to_it() -> None:
    # 1.00, then 1.20 in the old world; 1.00, then 1.20 in the new one
    twice = list(np.log(np.concatenate([STEP, STEP])))
    found = changes(nights(twice, ["old"] * len(STEP) + ["new"] * len(STEP)))
    assert found["kind"].to_list() == ["level", "epoch", "level"]
    assert found.row(1, named=True)["before"] == pytest.approx(1.202)
    assert found.row(1, named=True)["after"] == pytest.approx(1.0)
