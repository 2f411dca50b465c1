"""Strips: one line of a forest, drawn in a table's cell. Interval and estimate above, single
iterations as dots below; all strips of a topic share one axis.

The axis is logarithmic away from zero (symlog), so that 2 % and 300 % can be told apart. What lies
behind (margin, zero, thresholds of the ratings) is drawn by a style sheet, once for a page.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import escape

WIDTH = 132
"""Pixels; the style sheet sets the same."""

_INTERVAL_Y, _DOTS_Y, _EDGE = 5, 12, 3

LINEAR = 5.0
"""Percent up to which the axis is about linear."""

FARTHEST = (-60.0, 1500.0)
"""Percent that an axis shows at most; what lies farther out is drawn at its end."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis of a topic: costs in percent; `ticks` are labelled."""

    topic: str
    low: float
    high: float
    ticks: Sequence[float]
    margin: float | None = None

    @classmethod
    def of(
        cls, topic: str, costs: Iterable[float], limits: Sequence[float], margin: float | None
    ) -> "Axis":
        """The axis that holds the costs and the first two limits."""
        known = [cost for cost in costs if math.isfinite(cost)]
        low = max(FARTHEST[0], min([-6.0, *known]))
        high = min(FARTHEST[1], max([limits[1] * 1.2, *known]))
        return cls(topic, low, high, [0, *(limit for limit in limits if limit <= high)], margin)

    def x(self, cost: float) -> float:
        """Pixels from the left."""
        low, high = _symlog(self.low), _symlog(self.high)
        share = (_symlog(min(max(cost, self.low), self.high)) - low) / (high - low)
        return round(_EDGE + share * (WIDTH - 2 * _EDGE), 1)


def _symlog(cost: float) -> float:
    return math.copysign(math.log1p(abs(cost) / LINEAR), cost)


def strip(
    axis: Axis, estimate: float, ends: tuple[float, float] | None, dots: Sequence[float], words: str
) -> str:
    """A cost over its interval, with the single iterations; `words` are shown on hovering."""
    parts = [f'<svg class="strip {axis.topic}" aria-hidden="true">']
    parts.append(f"<title>{escape(words)}</title>")
    if dots:
        path = "".join(f"M{axis.x(dot):g} {_DOTS_Y}h0" for dot in dots)
        parts.append(f'<path class="dots" d="{path}"/>')
    if ends:
        low, high = (axis.x(end) for end in ends)
        parts.append(f'<path d="M{low:g} {_INTERVAL_Y}H{high:g}"/>')
    parts.append(f'<path class="at" d="M{axis.x(estimate):g} {_INTERVAL_Y}h0"/></svg>')
    return "".join(parts)


def scale(axis: Axis) -> str:
    """The axis for the head of a column; `ground` must be on the page."""
    return f'<svg class="axis"><use href="#axis-{axis.topic}"/></svg>'


def ground(axes: Iterable[Axis]) -> str:
    """The style sheet of the strips' backgrounds, and the labels of the axes."""
    axes = list(axes)
    rules = "".join(f".strip.{axis.topic}{{background:{_background(axis)}}}" for axis in axes)
    labels = "".join(f'<g id="axis-{axis.topic}">{_labels(axis)}</g>' for axis in axes)
    return (
        f'<style>{rules}</style><svg class="unseen" aria-hidden="true"><defs>{labels}</defs></svg>'
    )


def _background(axis: Axis) -> str:
    def bar(left: float, width: float, colour: str) -> str:
        return f"linear-gradient({colour},{colour}) {left:g}px 0/{width:g}px 100% no-repeat"

    lines = [
        bar(axis.x(tick), 1, "var(--muted)" if tick == 0 else "var(--line)") for tick in axis.ticks
    ]
    if axis.margin is not None:
        left = axis.x(-axis.margin)
        lines.append(bar(left, axis.x(axis.margin) - left, "var(--band)"))
    return ",".join(lines)


def _labels(axis: Axis) -> str:
    return "".join(
        f'<text x="{axis.x(tick):g}" y="11" text-anchor="middle">{tick:g}</text>'
        for tick in axis.ticks
    )
