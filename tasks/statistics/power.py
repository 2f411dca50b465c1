"""Before the night: what so many iterations will be able to see.

The spread comes from the effects stored for the environment; where there are none yet, from
`DEFAULT_SD`, and the forecast says so.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl

from ..model.metrics import METRICS, Scale
from .decision_rules import Rules
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
    moderated ones) and `prior_df`, the degrees of freedom that the other cases lend."""
    known = effects.filter(pl.col("se_log").is_not_null())
    return known.group_by(_PLACE, maintain_order=True).agg(
        sd=(pl.col("se_log") * pl.col("n").sqrt()).median(),
        prior_df=(pl.col("df") - (pl.col("n") - 1)).median(),
    )


def iterations_within(budget_s: float, iteration_s: float) -> int:
    """Whole iterations that fit into the time."""
    return max(0, int(budget_s // iteration_s))


def visible_cost(metric_name: str, iterations: int, sd: float, prior_df: float,
                 rules: Rules) -> float | None:  # fmt: skip
    """MDE as a cost; None below 2 iterations, which know no spread."""
    if iterations < 2:
        return None
    metric = METRICS[metric_name]
    delta = _visible(iterations, sd, prior_df, rules)
    return float(to_cost(np.array([sign(metric) * delta]), metric)[0])


def iterations_needed(metric_name: str, cost: float, sd: float, prior_df: float,
                      rules: Rules) -> int | None:  # fmt: skip
    """Iterations until that cost is visible; None where `MOST_ITERATIONS` are not enough."""
    delta = abs(from_cost(cost, METRICS[metric_name]))
    for iterations in range(2, MOST_ITERATIONS + 1):
        if _visible(iterations, sd, prior_df, rules) <= delta:
            return iterations
    return None


def forecast(
    iterations: int,
    wanted: Iterable[tuple[str, str, str]],
    known: pl.DataFrame,
    margins: Margins,
    rules: Rules,
) -> pl.DataFrame:
    """One row for each wanted (layer, workload, metric): what `iterations` will see there.

    Columns: layer, workload, metric, unit, sd, source ("measured" or "default"), visible (smallest
    cost, null below 2 iterations), margin, needed (iterations to see the margin) and `words`.
    """
    stored = {tuple(row[:3]): row[3:] for row in known.iter_rows()}
    rows = []
    for place in wanted:
        metric = METRICS[place[2]]
        sd, prior_df = stored.get(place, (DEFAULT_SD[metric.scale], 0.0))
        margin = margins.get(metric.name)
        visible = visible_cost(metric.name, iterations, sd, prior_df, rules)
        row = {
            **dict(zip(_PLACE, place, strict=True)),
            "unit": cost_unit(metric),
            "sd": sd,
            "source": "measured" if place in stored else "default",
            "visible": visible,
            "margin": margin,
            "needed": None
            if margin is None
            else iterations_needed(metric.name, margin, sd, prior_df, rules),
        }
        rows.append(row | {"words": _words(row, iterations, prior_df, rules)})
    return pl.DataFrame(rows, schema=_FORECAST)


_FORECAST = pl.Schema(
    {
        **dict.fromkeys((*_PLACE, "unit"), pl.String()),
        "sd": pl.Float64(),
        "source": pl.String(),
        "visible": pl.Float64(),
        "margin": pl.Float64(),
        "needed": pl.Int64(),
        "words": pl.String(),
    }
)


def _visible(iterations: int, sd: float, prior_df: float, rules: Rules) -> float:
    variance, n, df = (np.array([v]) for v in (sd**2, iterations, iterations - 1 + prior_df))
    return float(smallest_visible(variance, n, df, rules.test_alpha, rules.power)[0])


def _words(row: dict[str, object], iterations: int, prior_df: float, rules: Rules) -> str:
    """What can be seen, and what cannot: "1 % is out of reach here: SD 2 % needs about 34 …"."""
    unit, sd, visible = row["unit"], row["sd"], row["visible"]
    assert isinstance(sd, float)
    spread = f"SD {100 * sd:.2g} %" if unit == "%" else f"SD {sd:.2g} {unit}"
    if row["source"] == "default":
        spread += " (a default: nothing measured here yet)"
    if not isinstance(visible, float):
        return f"{iterations} iterations show no spread, so no cost is visible; {spread}"
    seen = f"{iterations} iterations see a cost of {visible:.2g} {unit}"
    if visible <= INTERESTING_PCT:
        return f"{seen}; {spread}"
    needed = iterations_needed(str(row["metric"]), INTERESTING_PCT, sd, prior_df, rules)
    many = f"about {needed}" if needed else f"more than {MOST_ITERATIONS}"
    return f"{seen}; {INTERESTING_PCT:g} {unit} is out of reach: {spread} needs {many} iterations"
