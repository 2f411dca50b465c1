"""The forest of a view: each cost on its interval above its single iterations, as a strip."""

from collections.abc import Sequence

import polars as pl

from ...statistics.usage import LIMITS
from ..iterations import iteration_costs
from ..numbers import percent
from ..view import TOPICS, Row, View
from . import strip


class Forest:
    """Strips of one view. Those of a topic share one axis, so that any two can be compared."""

    def __init__(self, view: View) -> None:
        self._t = view.t
        self._iterations = iteration_costs(view.bundle)
        self.axes = {topic: _axis(view, topic) for topic in TOPICS}

    @property
    def ground(self) -> str:
        """What all strips are drawn on; once for a page."""
        return strip.ground(self.axes.values())

    def scale(self, topic: str) -> str:
        return strip.scale(self.axes[topic])

    def strip(self, row: Row, *, iterations: bool) -> str:
        """A primary effect; empty where it has no estimate or none may be shown."""
        if row["estimate"] is None or row["verdict"] == "invalid":
            return ""
        ends = None if row["ci_low"] is None else (row["ci_low"], row["ci_high"])
        names = (row[name] for name in ("environment", "layer", "case", "workload", "metric"))
        dots = self._iterations.get((*names,), ()) if iterations else ()
        return strip.strip(
            self.axes[row["topic"]], row["estimate"], ends, dots, self._words(row, dots)
        )

    def _words(self, row: Row, dots: Sequence[float]) -> str:
        if not dots:
            return ""
        ends = " … ".join(percent(end) for end in dict.fromkeys((min(dots), max(dots))))
        return self._t("lines.iterations", n=len(dots), ends=ends)


def _axis(view: View, topic: str) -> strip.Axis:
    rows = view.effects.filter(pl.col("verdict") != "invalid", topic=topic)
    margins = rows["margin"].drop_nulls()
    return strip.Axis.of(
        topic,
        [cost for end in ("estimate", "ci_low", "ci_high") for cost in rows[end].drop_nulls()],
        LIMITS[topic],
        margins[0] if len(margins) else None,
    )
