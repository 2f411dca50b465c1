"""An interval that reaches from a gain to beyond every limit is told in words."""

import math
from collections.abc import Mapping

import pytest

from tasks.reporting.noise import says_nothing, too_noisy
from tasks.reporting.texts import Texts


@pytest.mark.parametrize(
    ("topic", "low", "high", "nothing"),
    [
        ("latency", -97.0, 1229.0, True),
        ("latency", -97.0, 250.0, False),  # at least not worse than short sessions
        ("latency", 2.0, 1229.0, False),  # at least no gain
        ("throughput", -30.0, 70.0, True),
        ("throughput", None, None, False),
    ],
)
def test_an_interval_says_nothing_if_every_answer_stays_possible(
    topic: str, low: float | None, high: float | None, nothing: bool
) -> None:
    assert says_nothing(topic, low, high) is nothing


@pytest.mark.parametrize(
    ("row", "text"),
    [
        # 3 iterations with an error of 4 margins: 3 (1.96 * 4)^2 = 184.4
        ({"n": 3, "margin": 5.0, "se_log": 4 * math.log1p(0.05)}, "even with 100 iterations"),
        ({"n": 3, "margin": 5.0, "se_log": 2 * math.log1p(0.05)}, "about 47 iterations needed"),
        ({"n": 3, "margin": None, "se_log": 0.1}, "too noisy to tell"),
    ],
)
def test_the_iterations_needed_follow_from_the_error(
    row: Mapping[str, float | None], text: str
) -> None:
    assert text in too_noisy(Texts("en"), row)
