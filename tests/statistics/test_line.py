"""The line through measured points: what is put in comes out, and its interval covers."""

import numpy as np
import pytest

from tasks.statistics.line import Bounds, around, fit, total

X = np.array([1e4, 2.5e4, 5e4, 7.5e4, 9e4])


def drawn(rng: np.random.Generator, error: float) -> list[tuple[float, Bounds]]:
    """Points of y = 2 + 1e-4·x with that error."""
    return [(float(x), around(2 + 1e-4 * x + rng.normal(0, error), error)) for x in X]


def test_between_and_beyond_its_points_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    asked = (3e4, 2e5)
    inside = dict.fromkeys(asked, 0)
    for _ in range(2000):
        line = fit(drawn(rng, 0.3))
        assert line is not None
        for x in asked:
            y = line.at(x)
            inside[x] += y.low <= 2 + 1e-4 * x <= y.high
    assert all(0.93 < count / 2000 < 1.0 for count in inside.values()), inside


def test_a_further_measurement_lies_in_the_interval_that_counts_its_error() -> None:
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(2000):
        points = drawn(rng, 0.3)
        line = fit([points[0], points[-1]])
        assert line is not None
        x, measured = points[2]
        y = line.at(x, measured.error)
        inside += y.low <= measured.estimate <= y.high
    assert 0.93 < inside / 2000 < 0.97


def test_points_that_scatter_more_than_their_errors_widen_it() -> None:
    bent = [(float(x), around(2 + 1e-4 * x + (3 if 3e4 < x < 6e4 else 0), 0.01)) for x in X]
    straight = [(float(x), around(2 + 1e-4 * x, 0.01)) for x in X]
    wide, narrow = fit(bent), fit(straight)
    assert wide is not None and narrow is not None
    assert wide.slope.error > 50 * narrow.slope.error


@pytest.mark.parametrize(
    "points",
    [
        [(1.0, around(1, 0.1))],
        [(1.0, around(1, 0.1)), (1.0, around(2, 0.1))],
        [(1.0, around(1, 0.1)), (2.0, around(2, 0.0))],
    ],
)
def test_no_line_through_one_place_or_without_errors(points: list[tuple[float, Bounds]]) -> None:
    assert fit(points) is None


def test_a_line_knows_where_it_was_measured() -> None:
    line = fit([(float(x), around(1e-4 * x, 0.1)) for x in X])
    assert line is not None
    assert (line.reaches(5e4), line.reaches(1e5), line.reaches(5e3)) == (True, False, False)


def test_errors_of_a_sum_add_in_quadrature() -> None:
    assert total([around(1, 3), around(2, 4)]).error == pytest.approx(5)
