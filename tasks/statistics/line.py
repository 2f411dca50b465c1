"""A straight line through measured points, and what it says between them and beyond."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .arrays import Floats

Z = 1.959964
"""A 95 % interval is this many errors to either side."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """An estimate and its 95 % interval."""

    estimate: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """The standard error that the upper end stands for."""
        return (self.high - self.estimate) / Z

    def times(self, factor: float) -> "Bounds":
        """In another unit; factor: above 0."""
        return Bounds(self.estimate * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Line:
    """y = idle + slope·x. first, last: the smallest and the largest x that it was fitted to."""

    idle: Bounds
    slope: Bounds
    covariance: float  # of the two
    first: float
    last: float

    def at(self, x: float, error: float = 0.0) -> Bounds:
        """y at x, with the 95 % interval of the line; error: of what is to be measured there."""
        variance = (
            self.idle.error**2 + 2 * x * self.covariance + (x * self.slope.error) ** 2 + error**2
        )
        return around(self.idle.estimate + self.slope.estimate * x, math.sqrt(max(0.0, variance)))

    def reaches(self, x: float) -> bool:
        """Whether x lies among the points."""
        return self.first <= x <= self.last


def around(estimate: float, error: float) -> Bounds:
    """The 95 % interval of an estimate with this standard error."""
    return Bounds(float(estimate), float(estimate - Z * error), float(estimate + Z * error))


def total(parts: Sequence[Bounds]) -> Bounds:
    """The sum of independent estimates."""
    error = math.sqrt(sum(part.error**2 for part in parts))
    return around(sum(part.estimate for part in parts), error)


def fit(points: Sequence[tuple[float, Bounds]]) -> Line | None:
    """The line of least squares through (x, y), weighted by the errors of y.

    None with fewer than two points, two at one x, or a point without an error. Where the points
    scatter about the line by more than their errors explain, all errors are larger by that much.
    """
    x: Floats = np.array([x for x, _ in points], dtype=np.float64)
    y: Floats = np.array([y.estimate for _, y in points], dtype=np.float64)
    error: Floats = np.array([y.error for _, y in points], dtype=np.float64)
    if len(np.unique(x)) < max(2, len(points)) or (error <= 0).any():
        return None
    design: Floats = np.column_stack((np.ones_like(x), x)) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    idle, slope = covariance @ design.T @ (y / error)
    freedom = len(points) - 2
    if freedom:
        scatter = float((((y - idle - slope * x) / error) ** 2).sum()) / freedom
        covariance = covariance * max(1.0, scatter)
    idle_error, slope_error = np.sqrt(np.diag(covariance))
    return Line(
        around(idle, idle_error),
        around(slope, slope_error),
        float(covariance[0, 1]),
        float(x.min()),
        float(x.max()),
    )
