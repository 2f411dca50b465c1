"""Two scheduler regimes are distinguished from noise, drift and a single outlier."""

import numpy as np
import pytest

from tasks.quality.steady import judge_steady, split


def test_two_scheduler_regimes_are_named_with_their_levels() -> None:
    result = judge_steady([16.1, 80.2, 15.9, 16.3, 79.0, 81.5, 16.0])
    assert result.passed is False
    assert result.observed == "4 baselines at 16.07, 3 at 80.23"


def test_the_split_is_the_one_with_the_least_spread_inside() -> None:
    regimes = split([1.0, 1.0, 1.0, np.e, np.e])
    assert (regimes.n_low, regimes.n_high) == (3, 2)
    assert regimes.low == pytest.approx(1.0) and regimes.high == pytest.approx(np.e)
    assert regimes.within == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        [100.0] * 8,  # no spread at all
        [100.0, 101.0, 99.0, 100.5, 99.5, 140.0],  # one outlier is no regime
        list(np.linspace(100, 150, 12)),  # drift
        [100.0, 100.1, 100.0, 110.0, 110.1, 110.0],  # two levels, too close to matter
    ],
)
def test_other_unrest_is_not_taken_for_regimes(values: list[float]) -> None:
    assert judge_steady(values).passed is True


def test_too_few_baselines_cannot_be_judged() -> None:
    assert judge_steady([16.0, 80.0, 16.0, 80.0]).passed is None


def test_noise_of_ten_percent_is_rarely_taken_for_regimes() -> None:
    rng = np.random.default_rng(7)
    nights = (np.exp(rng.normal(0, 0.10, size=rng.integers(6, 26))) for _ in range(1000))
    assert sum(judge_steady(list(night)).passed is False for night in nights) <= 10
