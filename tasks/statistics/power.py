"""What a verdict can see: before a campaign for the planner, after it for each effect.

A verdict needs more than a p-value below 5 %: the cost is tested against the margin, not against
zero, and at the level that is left after the correction for all other effects. With non-central t
(exact; the textbook's sum of two quantiles is an approximation):

    overhead:  P(T′(df, (η − Δ)/se) > t(1 − level, df)) = power                  solved for η
    within:    P(T′(df, (η − Δ)/se) < −t) + P(T′(df, (η + Δ)/se) > t) − 1 ≥ power  (a lower bound)

The level after Benjamini–Hochberg depends on how many effects are called: α·(R + 1)/m would have
called one more. Before a campaign R/m is that of the stored effects, or a default.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.special import nctdtr, nctdtrinc, stdtrit

from ..model.metrics import METRICS, Metric, Scale
from .arrays import Floats, by_group, columns, floats
from .decision_rules import DecisionRules
from .margins import Margins
from .moderated import ALIKE
from .scale import cost_unit, from_cost, metric_of, sign, to_cost

DEFAULT_SD = {Scale.RATIO: 0.02, Scale.DIFFERENCE: 1.0}
"""SD of one difference where nothing was measured yet: 2 % (natural logarithm), or one unit."""

MOST_ITERATIONS = 1000

_PLACE = ("layer", "workload", "metric")


@dataclass(frozen=True, slots=True)
class Called:
    """Shares of the effects that get a verdict, by which the corrected level is foreseen.

    The defaults, for an environment without stored effects: one tool in ten costs more than the
    margin, half of them provably nothing.
    """

    overhead: float = 0.1
    within: float = 0.5


def called_shares(effects: pl.DataFrame) -> Called:
    """(R + 1)/m of stored effects, over all their runs; the defaults where none was tested.

    `within` is at least its default: a campaign that could not decide does not show how many of its
    tools cost nothing.
    """
    tested = effects.filter(pl.col("p_overhead").is_not_null())
    if tested.is_empty():
        return Called()
    runs = tested.select("environment", "run").n_unique()
    verdict = tested["verdict"]
    overhead, within = (
        min(1.0, (int((verdict == name).sum()) + runs) / len(tested))
        for name in ("overhead", "no_overhead_within_margin")
    )
    return Called(overhead, max(within, Called().within))


def smallest_overhead(se: Floats, df: Floats, level: float, power: float, margin: float) -> Floats:
    """The smallest oriented true effect that is found above `margin` (oriented δ) with this power;
    NaN where se is."""
    return np.asarray(margin + nctdtrinc(df, 1 - power, stdtrit(df, 1 - level)) * se)


def largest_within(
    se: float, df: float, level: float, power: float, low: float, high: float
) -> float | None:
    """The largest oriented true effect, from 0 on, that is found within (low, high) with this
    power; None where not even 0 is."""
    t = float(stdtrit(df, 1 - level))

    def excess(eta: float) -> float:
        missed = _missed(df, (high - eta) / se, t) + _missed(df, (eta - low) / se, t)
        return 1.0 - missed - power

    return float(brentq(excess, 0.0, high)) if excess(0.0) >= 0 else None


def _missed(df: float, noncentrality: float, t: float) -> float:
    """P(T′ < t): that a test misses an effect so many errors from its limit. SciPy's value is NaN
    where it is too small for its series."""
    probability = float(nctdtr(df, noncentrality, t))
    return 0.0 if np.isnan(probability) else probability


def with_mde(effects: pl.DataFrame, rules: DecisionRules) -> pl.DataFrame:
    """Judged effects of one run (`margin`, `q_overhead`) with `mde`: the smallest true cost that
    gets the verdict `overhead` with the rules' power; null without a margin or an interval."""
    asked = effects["q_overhead"].drop_nulls()
    called = int((asked <= rules.test_alpha).sum())
    level = rules.test_alpha * min(1.0, (called + 1) / max(1, len(asked)))
    return by_group(effects, "metric", lambda part: _with_mde(part, level, rules.power))


def _with_mde(effects: pl.DataFrame, level: float, power: float) -> pl.DataFrame:
    metric = metric_of(effects)
    se, df = floats(effects, "se_log", "df")
    margin = effects["margin"][0] if len(effects) else None
    bound = np.nan if margin is None else from_cost(margin, metric)
    smallest = smallest_overhead(se, df, level, power, bound)
    return effects.with_columns(columns({"mde": to_cost(sign(metric) * smallest, metric)}))


def iterations_within(budget_s: float, iteration_s: float) -> int:
    """Whole iterations that fit into the time."""
    return max(0, int(budget_s // iteration_s))


@dataclass(frozen=True, slots=True)
class Judged:
    """How one metric will be judged: its margin, the spread of a difference, the levels left.

    sd: on the scale of the differences; prior_df: degrees of freedom borrowed from other cases.
    """

    metric: Metric
    margin: float
    sd: float
    prior_df: float
    rules: DecisionRules
    called: Called = Called()

    def overhead_from(self, iterations: int) -> float | None:
        """The smallest cost that gets the verdict `overhead`; None below 2 iterations."""
        if iterations < 2:
            return None
        se, df = (np.array([value]) for value in self._error(iterations))
        level = self.rules.at(iterations).test_alpha * self.called.overhead
        margin = from_cost(self.margin, self.metric)
        return self._cost(smallest_overhead(se, df, level, self._power, margin)[0])

    def within_up_to(self, iterations: int) -> float | None:
        """The largest cost that gets `no_overhead_within_margin`; None where not even 0 does."""
        if iterations < 2:
            return None
        level = self.rules.at(iterations).test_alpha * self.called.within
        low, high = (from_cost(m, self.metric) for m in (-self.margin, self.margin))
        largest = largest_within(*self._error(iterations), level, self._power, low, high)
        return None if largest is None else self._cost(largest)

    def decides(self, iterations: int) -> bool:
        """Whether a cost of 0 and one of twice the margin both get their verdict."""
        overhead = self.overhead_from(iterations)
        enough = overhead is not None and overhead <= 2 * self.margin
        return enough and self.within_up_to(iterations) is not None

    def needed(self) -> int | None:
        """Iterations until that is so; None where `MOST_ITERATIONS` are not enough."""
        return next((n for n in range(2, MOST_ITERATIONS + 1) if self.decides(n)), None)

    @property
    def _power(self) -> float:
        """Of a case that borrows: one in ten keeps a variance of its own and is rarely decided."""
        return self.rules.power / ALIKE

    def _error(self, iterations: int) -> tuple[float, float]:
        return self.sd / np.sqrt(iterations), iterations - 1 + self.prior_df

    def _cost(self, eta: float) -> float:
        return float(to_cost(np.array([sign(self.metric) * eta]), self.metric)[0])


def forecast(
    iterations: int,
    wanted: Iterable[tuple[str, str, str]],
    known: pl.DataFrame,
    margins: Margins,
    rules: DecisionRules,
    called: Called | None = None,
) -> pl.DataFrame:
    """One row for each wanted (layer, workload, metric): what verdicts `iterations` can give.

    known: what is stored of them: layer, workload, metric, `sd` of one difference and `prior_df`,
    the degrees of freedom borrowed from other cases.

    Columns: layer, workload, metric, unit, sd, source ("measured" or "default"), margin, overhead
    (smallest cost that gets this verdict), within (largest cost that gets that one), needed
    (iterations that decide a cost of 0 and one of twice the margin) and `text`. Null: cannot be,
    or no margin.
    """
    stored = {tuple(row[:3]): row[3:] for row in known.iter_rows()}
    rows = []
    for place in wanted:
        metric, margin = METRICS[place[2]], margins.get(place[2])
        sd, prior_df = stored.get(place, (DEFAULT_SD[metric.scale], 0.0))
        spread = f"SD {100 * sd:.2g} %" if metric.scale is Scale.RATIO else f"SD {sd:.2g}"
        if place not in stored:
            spread += " (a default: nothing measured here yet)"
        found: tuple[float | None, float | None, int | None] = (None, None, None)
        text = "no margin is set: an interval and no verdict"
        if margin is not None:
            judged = Judged(metric, margin, sd, prior_df, rules, called or Called())
            found = (
                judged.overhead_from(iterations),
                judged.within_up_to(iterations),
                judged.needed(),
            )
            text = f"{_text(judged, iterations, *found)}; {spread}"
        source = "measured" if place in stored else "default"
        rows.append((*place, cost_unit(metric), sd, source, margin, *found, text))
    return pl.DataFrame(rows, schema=_FORECAST, orient="row")


_FORECAST = pl.Schema(
    {
        **dict.fromkeys((*_PLACE, "unit"), pl.String()),
        "sd": pl.Float64(),
        "source": pl.String(),
        **dict.fromkeys(("margin", "overhead", "within"), pl.Float64()),
        "needed": pl.Int64(),
        "text": pl.String(),
    }
)


def _text(judged: Judged, iterations: int, overhead: float | None, within: float | None,
          needed: int | None) -> str:  # fmt: skip
    """Which costs get a verdict, and how many iterations more would take."""
    if overhead is None:
        return f"{iterations} iterations show no spread, so there is no verdict"
    unit = cost_unit(judged.metric)
    decided = f"a cost of {overhead:.2g} {unit} or more"
    if within is None:
        decided += ", none below"
    else:
        decided = f"a cost of up to {within:.2g} {unit} and {decided}"
    text = f"{iterations} iterations decide {decided}"
    if judged.decides(iterations):
        return text
    count = f"about {needed}" if needed else f"more than {MOST_ITERATIONS}"
    return f"{text}; to tell 0 from {2 * judged.margin:g} {unit} takes {count}"
