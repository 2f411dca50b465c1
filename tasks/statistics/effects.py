"""The whole analysis in one call: cells and samples in, effects and calibration out."""

from dataclasses import dataclass

import polars as pl

from ..storage.schema import CHECKS, EFFECTS, PARTITION
from .calibration import calibrate, decided_stays, failed
from .decision_rules import DecisionRules
from .differences import cell_values, differences
from .estimates import estimate
from .joint import adjusted_jointly
from .margins import Margins
from .reasons import sentence
from .sequential import (
    NO_GAINS,
    REMEASURED,
    UNIT,
    end_reason,
    gains_so_far,
    measured_since,
    stopping,
    with_remeasurement,
)
from .verdicts import judge, withhold

_NONE_DECIDED = pl.DataFrame(schema=dict.fromkeys([*UNIT, "stopped", "stopped_zh"], pl.String))


@dataclass(frozen=True, slots=True)
class Analysis:
    """Effects, calibration checks, and what needs no further measurement.

    Where the calibration of a run failed, its effects keep estimate and interval and lose their
    verdict. Something is decided in a sequential campaign only; columns of `decided`: environment,
    run, layer, case, workload, stopped, stopped_zh.
    """

    effects: pl.DataFrame  # storage.schema.EFFECTS
    calibration: pl.DataFrame  # storage.schema.CHECKS
    decided: pl.DataFrame


def analyze(
    cells: pl.DataFrame, samples: pl.DataFrame, margins: Margins, rules: DecisionRules
) -> Analysis:
    """Effects of every case on every metric, and whether the environment can be trusted.

    `cells` and `samples` have the columns of storage.schema.CELLS and SAMPLES, of any number of
    environments, runs and layers; each (environment, run) is judged by itself. Raises
    `DatasetError` where a cell has two values of one metric.
    """
    values = cell_values(cells, samples)
    whole = _Campaign(cells, values, differences(values))
    keys = cells.select(PARTITION).unique(maintain_order=True).rows()
    analyses = [_analyze_run(whole.of_run(*key), margins, rules) for key in keys]
    return Analysis(
        pl.concat([EFFECTS.frame(), *(a.effects for a in analyses)]),
        pl.concat([CHECKS.frame(), *(a.calibration for a in analyses)]),
        pl.concat([_NONE_DECIDED, *(a.decided for a in analyses)]),
    )


@dataclass(frozen=True, slots=True)
class _Campaign:
    """The data of runs, or of one run."""

    cells: pl.DataFrame
    values: pl.DataFrame
    differences: pl.DataFrame

    def of_run(self, environment: str, run: str) -> "_Campaign":
        return self._where(pl.col("environment") == environment, pl.col("run") == run)

    def until(self, iteration: int) -> "_Campaign":
        return self._where(pl.col("iteration") <= iteration)

    def _where(self, *conditions: pl.Expr) -> "_Campaign":
        frames = (self.cells, self.values, self.differences)
        return _Campaign(*(frame.filter(conditions) for frame in frames))


def _analyze_run(campaign: _Campaign, margins: Margins, rules: DecisionRules) -> Analysis:
    """Replays the analyses of one run; an effect keeps the verdict of the analysis that decided
    it.

    An effect that came out as a gain is judged on what was measured since, once that is enough. The
    calibration is that of the last analysis.
    """
    done = _last_measured(campaign.cells)
    settled: list[pl.DataFrame] = []
    decided, gains = _NONE_DECIDED, NO_GAINS
    for iteration in rules.taken(done):
        now = rules.at(iteration)
        data = campaign.until(iteration)
        remeasured = gains.filter(pl.col("since") <= iteration - REMEASURED)
        diffs = measured_since(adjusted_jointly(data.differences, data.values), remeasured)
        judged = judge(estimate(data.cells, diffs, now), margins, now)
        effects = with_remeasurement(judged, remeasured)
        gains = gains_so_far(effects, iteration, gains)
        calibration = calibrate(data.values, data.differences, effects, rules)
        blocking = failed(calibration)
        whole = _complete(effects)
        effects = whole.join(decided, on=UNIT, how="anti")
        if rules.analyses and not blocking:
            stops = stopping(effects, iteration, remeasured)
            decided = pl.concat([decided, stops])
            stopped = effects.drop("stopped", "stopped_zh").join(stops, on=UNIT)
            settled.append(stopped.select(effects.columns))
            effects = effects.join(stops, on=UNIT, how="anti")
    end = end_reason(rules, done)
    undecided = effects.with_columns(stopped=pl.lit(end.en), stopped_zh=pl.lit(end.zh))
    effects = pl.concat([*settled, undecided])
    if blocking:
        ids = ", ".join(blocking)
        effects = withhold(effects, pl.lit(ids), sentence("calibration", pl.lit(ids)))
    place = campaign.cells.select(PARTITION).row(0, named=True)
    stays = decided_stays(pl.concat([whole.clear(), *settled]), whole)
    checks = CHECKS.frame(place | row for row in (*calibration, *stays))
    return Analysis(effects.cast(EFFECTS.schema), checks, decided)


def _last_measured(cells: pl.DataFrame) -> int:
    """The last iteration of which a cell was started; later ones were planned only."""
    started = cells.filter(pl.col("status") != "skipped")
    last = (cells if started.is_empty() else started)["iteration"].max()
    assert isinstance(last, int)
    return last


def _complete(judged: pl.DataFrame) -> pl.DataFrame:
    """Exactly the columns of EFFECTS."""
    return judged.select(
        pl.col(name) if name in judged.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in EFFECTS.schema.items()
    )
