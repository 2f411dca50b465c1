"""How numbers are written."""

import math

import pytest

from tasks.reporting.numbers import (
    DASH,
    duration,
    interval,
    memory,
    number,
    percent,
    quantity,
)  # fmt: skip


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_missing_number_is_a_dash_and_never_zero(missing: float | None) -> None:
    assert number(missing) == percent(missing) == quantity(missing, "bit/s") == DASH
    assert duration(missing) == memory(missing) == DASH
    assert interval(missing, 1.0) == interval(1.0, missing) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-36.12, "−36.1 %"),
        (12.0, "+12.0 %"),
        (252.4, "+252 %"),
        (99.96, "+100 %"),
        (0.0, "0.0 %"),
        (-0.04, "0.0 %"),
    ],
)
def test_a_change_has_a_sign_and_about_three_digits(value: float, text: str) -> None:
    assert percent(value) == text


def test_a_true_zero_is_written_as_one() -> None:
    assert number(0.0) == "0.00"
    assert number(0, 0) == "0"


def test_intervals_of_changes_are_signed_and_of_amounts_are_not() -> None:
    assert interval(-38.0, -34.2) == "[−38.0, −34.2]"
    assert interval(-0.5, 0.3) == "[−0.5, +0.3]"
    assert interval(239.4, 264.6) == "[+239, +265]"
    assert interval(0.02, 0.03, signed=False) == "[0.02, 0.03]"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (8.2e9, "bit/s", "8.20 Gbit/s"),
        (693e3, "1/s", "693 k/s"),
        (1.4e6, "1/s", "1.40 M/s"),
        (12.0, "1/s", "12.0 /s"),
        (68.0, "us", "68.0 µs"),
    ],
)
def test_large_quantities_get_a_decimal_prefix(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12, "12 s"), (95, "1.6 min"), (3600, "1.0 h"), (32_400, "9.0 h"), (0, "0 s")],
)
def test_a_short_run_did_not_take_zero_hours(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("mib", "text"), [(256, "256 MiB"), (3_993, "3.9 GiB"), (513_024, "501 GiB")]
)
def test_a_small_guest_does_not_have_zero_memory(mib: float, text: str) -> None:
    assert memory(mib) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.001, "0.001"), (0.0036, "0.004"), (0.0, "0.00"), (0.005, "0.01")]
)
def test_a_small_number_is_not_shown_as_zero(value: float, text: str) -> None:
    assert number(value) == text
