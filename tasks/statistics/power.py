"""Before a campaign: the smallest cost that so many iterations can show.

The spread comes from the effects stored for the environment; where there are none yet, from
`DEFAULT_SD`, and the forecast says so.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl

from ..model.metrics import METRICS, Metric, Scale
from .decision_rules import DecisionRules
from .estimates import smallest_visible
from .margins import Margins
from .scale import cost_unit, from_cost, sign, to_cost

DEFAULT_SD = {Scale.RATIO: 0.02, Scale.DIFFERENCE: 1.0}
"""SD of one difference where nothing was measured yet: 2 % (natural logarithm), or one unit."""

MOST_ITERATIONS = 1000
INTERESTING_PCT = 1.0

_PLACE = ("layer", "workload", "metric")


def spreads(effects: pl.DataFrame) -> pl.DataFrame:
    """Per layer, workload and metric of stored effects: `sd` of one difference (median of the
    moderated ones) and `prior_df`, the degrees of freedom borrowed from the other cases."""
    known = effects.filter(pl.col("se_log").is_not_null())
    return known.group_by(_PLACE, maintain_order=True).agg(
        sd=(pl.col("se_log") * pl.col("n").sqrt()).median(),
        prior_df=(pl.col("df") - (pl.col("n") - 1)).median(),
    )


def iterations_within(budget_s: float, iteration_s: float) -> int:
    """Whole iterations that fit into the time."""
    return max(0, int(budget_s // iteration_s))


def visible_cost(metric_name: str, iterations: int, sd: float, prior_df: float,
                 rules: DecisionRules) -> float | None:  # fmt: skip
    """MDE as a cost; None below 2 iterations, whose spread is unknown."""
    if iterations < 2:
        return None
    metric = METRICS[metric_name]
    delta = _visible(iterations, sd, prior_df, rules)
    return float(to_cost(np.array([sign(metric) * delta]), metric)[0])


def iterations_needed(metric_name: str, cost: float, sd: float, prior_df: float,
                      rules: DecisionRules) -> int | None:  # fmt: skip
    """Iterations until that cost is visible; None where `MOST_ITERATIONS` are not enough."""
    delta = abs(from_cost(cost, METRICS[metric_name]))
    counts = range(2, MOST_ITERATIONS + 1)
    return next((n for n in counts if _visible(n, sd, prior_df, rules) <= delta), None)


def forecast(
    iterations: int,
    wanted: Iterable[tuple[str, str, str]],
    known: pl.DataFrame,
    margins: Margins,
    rules: DecisionRules,
) -> pl.DataFrame:
    """One row for each wanted (layer, workload, metric): what `iterations` can show there.

    Columns: layer, workload, metric, unit, sd, source ("measured" or "default"), visible (smallest
    cost, null below 2 iterations), margin, needed (iterations to see the margin) and `text`.
    """
    stored = {tuple(row[:3]): row[3:] for row in known.iter_rows()}
    rows = []
    for place in wanted:
        metric = METRICS[place[2]]
        sd, prior_df = stored.get(place, (DEFAULT_SD[metric.scale], 0.0))
        margin = margins.get(metric.name)
        visible = visible_cost(metric.name, iterations, sd, prior_df, rules)
        needed = None
        if margin is not None:
            needed = iterations_needed(metric.name, margin, sd, prior_df, rules)
        measured = place in stored
        text = _text(metric, iterations, sd, prior_df, visible, rules, measured=measured)
        source = "measured" if measured else "default"
        rows.append((*place, cost_unit(metric), sd, source, visible, margin, needed, text))
    return pl.DataFrame(rows, schema=_FORECAST, orient="row")


_FORECAST = pl.Schema(
    {
        **dict.fromkeys((*_PLACE, "unit"), pl.String()),
        "sd": pl.Float64(),
        "source": pl.String(),
        "visible": pl.Float64(),
        "margin": pl.Float64(),
        "needed": pl.Int64(),
        "text": pl.String(),
    }
)


def _visible(iterations: int, sd: float, prior_df: float, rules: DecisionRules) -> float:
    variance, n, df = (np.array([v]) for v in (sd**2, iterations, iterations - 1 + prior_df))
    return float(smallest_visible(variance, n, df, rules)[0])


def _text(metric: Metric, iterations: int, sd: float, prior_df: float, visible: float | None,
          rules: DecisionRules, *, measured: bool) -> str:  # fmt: skip
    """What can be seen, and what cannot: "1 % is out of reach here: SD 2 % needs about 34 …"."""
    unit = cost_unit(metric)
    spread = f"SD {100 * sd:.2g} %" if unit == "%" else f"SD {sd:.2g} {unit}"
    if not measured:
        spread += " (a default: nothing measured here yet)"
    if visible is None:
        return f"{iterations} iterations show no spread, so no cost is visible; {spread}"
    can_see = f"{iterations} iterations can detect a cost of {visible:.2g} {unit}"
    if visible <= INTERESTING_PCT:
        return f"{can_see}; {spread}"
    needed = iterations_needed(metric.name, INTERESTING_PCT, sd, prior_df, rules)
    count = f"about {needed}" if needed else f"more than {MOST_ITERATIONS}"
    return (
        f"{can_see}; {INTERESTING_PCT:g} {unit} is out of reach: {spread} needs {count} iterations"
    )
