"""The whole analysis in one call: cells and samples in, effects and calibration out."""

from dataclasses import dataclass

import polars as pl

from ..storage.schema import CHECKS, EFFECTS
from .blockmates import adjusted
from .calibration import Row, calibrate, check_frame, failed
from .decision_rules import Rules
from .differences import cell_values, differences
from .estimates import estimate
from .margins import Margins
from .sequential import (
    FRESH,
    NO_GAINS,
    end_reason,
    gains_at,
    looks_taken,
    measured_since,
    stopped_at,
    told_afresh,
)
from .verdicts import judge, withhold


@dataclass(frozen=True, slots=True)
class Analysis:
    """What came out. `withheld` names the (environment, run) whose calibration failed: their
    effects keep estimate and interval, and none of them has a verdict. `decided` holds the cases
    that a sequential campaign need not measure any more: environment, run, layer, case, stopped."""

    effects: pl.DataFrame  # storage.schema.EFFECTS
    calibration: pl.DataFrame  # storage.schema.CHECKS
    differences: pl.DataFrame  # one row a cell and metric: d, weight, both baselines
    decided: pl.DataFrame
    withheld: frozenset[tuple[str, str]] = frozenset()


def analyze(cells: pl.DataFrame, samples: pl.DataFrame, margins: Margins, rules: Rules) -> Analysis:
    """Effects of every case on every metric, and whether the environment may be believed.

    `cells` and `samples` have the columns of storage.schema.CELLS and SAMPLES, of any number of
    environments, runs and layers; each (environment, run) is judged by itself. Raises
    `DatasetError` where a cell has two values of one metric.
    """
    values = cell_values(cells, samples)
    diffs = differences(values)
    effects, checks, decided = [EFFECTS.frame()], [CHECKS.frame()], [_UNDECIDED]
    withheld = set()
    for (environment, run), own in cells.group_by("environment", "run", maintain_order=True):
        campaign = _Campaign(*(_only(f, environment, run) for f in (own, values, diffs)))
        judged, calibration, stops = _judged(campaign, margins, rules)
        effects.append(judged.cast(EFFECTS.schema))
        decided.append(stops)
        checks.append(check_frame(calibration, environment, run))
        if failed(calibration):
            withheld.add((environment, run))
    return Analysis(
        pl.concat(effects), pl.concat(checks), diffs, pl.concat(decided), frozenset(withheld)
    )


@dataclass(frozen=True, slots=True)
class _Campaign:
    """One environment in one run."""

    cells: pl.DataFrame
    values: pl.DataFrame
    diffs: pl.DataFrame

    def until(self, iteration: int) -> "_Campaign":
        early = pl.col("iteration") <= iteration
        return _Campaign(*(f.filter(early) for f in (self.cells, self.values, self.diffs)))


_CASE = ["environment", "run", "layer", "case"]
_UNDECIDED = pl.DataFrame(schema=dict.fromkeys([*_CASE, "stopped"], pl.String))


def _judged(
    campaign: _Campaign, margins: Margins, rules: Rules
) -> tuple[pl.DataFrame, list[Row], pl.DataFrame]:
    """Replays the campaign's looks; a case keeps the verdict of the look that decided it. What came
    out as a gain is judged on what was measured since, once that is enough.

    Returns the effects, the calibration at the last look, and the cases that were decided.
    """
    done = _last_measured(campaign.cells)
    settled: list[pl.DataFrame] = []
    stops, gains = _UNDECIDED, NO_GAINS
    for look in looks_taken(rules, done):
        seen = campaign.until(look)
        afresh = gains.filter(pl.col("since") <= look - FRESH)
        diffs = measured_since(adjusted(seen.diffs), afresh)
        effects = told_afresh(judge(estimate(seen.cells, diffs, rules), margins, rules), afresh)
        gains = gains_at(effects, look, gains)
        calibration = calibrate(seen.values, effects, rules)
        effects = _complete(effects).join(stops, on=_CASE, how="anti")
        if rules.looks and not failed(calibration):
            stopping = stopped_at(effects, look, afresh)
            stops = pl.concat([stops, stopping])
            settled.append(_stopped(effects.join(stopping, on=_CASE, how="semi"), stopping))
            effects = effects.join(stopping, on=_CASE, how="anti")
    undecided = effects.with_columns(stopped=pl.lit(end_reason(rules, done)))
    published = _published(pl.concat([*settled, undecided]), failed(calibration))
    return published, calibration, stops


def _last_measured(cells: pl.DataFrame) -> int:
    """The last iteration of which anything was tried; planned ones beyond it were never taken."""
    tried = cells.filter(pl.col("status") != "skipped")
    last = (cells if tried.is_empty() else tried)["iteration"].max()
    assert isinstance(last, int)
    return last


def _complete(judged: pl.DataFrame) -> pl.DataFrame:
    """Exactly the columns of EFFECTS."""
    return judged.select(
        pl.col(name) if name in judged.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in EFFECTS.schema.items()
    )


def _stopped(effects: pl.DataFrame, stopping: pl.DataFrame) -> pl.DataFrame:
    return effects.drop("stopped").join(stopping, on=_CASE).select(effects.columns)


def _published(effects: pl.DataFrame, blocking: list[str]) -> pl.DataFrame:
    """The effects, without verdicts where the calibration failed: intervals only."""
    if not blocking:
        return effects
    rules = ", ".join(blocking)
    return withhold(effects, pl.lit(rules), pl.lit(f"{rules} failed; the interval stands"))


def _only(frame: pl.DataFrame, environment: str, run: str) -> pl.DataFrame:
    return frame.filter(pl.col("environment") == environment, pl.col("run") == run)
