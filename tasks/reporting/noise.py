"""Where an interval says nothing: the words instead of a number that nobody should read."""

import math
from collections.abc import Mapping
from typing import Any

from ..statistics.usage import LIMITS
from .texts import Texts

MOST_ITERATIONS = 100
"""More are not measured in practice: then the noise has to be reduced."""


def says_nothing(topic: str | None, low: float | None, high: float | None) -> bool:
    """Whether the interval reaches from a gain to a cost beyond every limit."""
    if topic not in LIMITS or low is None or high is None:
        return False
    return low < 0 and high > LIMITS[topic][-1]


def too_noisy(t: Texts, row: Mapping[str, Any]) -> str:
    """`too noisy to tell; about 40 iterations needed`, by the effect's own error.

    So many that the interval reaches no further than the margin to either side: it narrows with
    the root of their number.
    """
    error, margin = row["se_log"], row["margin"]
    if not error or not margin:
        return t("noise.alone")
    needed = math.ceil(row["n"] * (1.96 * error / math.log1p(margin / 100)) ** 2)
    if needed > MOST_ITERATIONS:
        return t("noise.reduce", iterations=MOST_ITERATIONS)
    return t("noise.iterations", iterations=needed)
