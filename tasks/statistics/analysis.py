"""The whole analysis in one call: cells and samples in, effects and calibration out."""

from dataclasses import dataclass

import polars as pl

from ..storage.schema import CHECKS, EFFECTS
from .differences import cell_values, differences
from .estimates import estimate
from .margins import Margins
from .rules import Rules
from .verdicts import judge


@dataclass(frozen=True, slots=True)
class Analysis:
    """What came out. `withheld` names the (environment, run) whose calibration failed: their
    effects keep estimate and interval, and none of them has a verdict."""

    effects: pl.DataFrame  # storage.schema.EFFECTS
    calibration: pl.DataFrame  # storage.schema.CHECKS
    differences: pl.DataFrame  # one row a cell and metric: d, weight, both baselines
    withheld: frozenset[tuple[str, str]] = frozenset()


def analyze(cells: pl.DataFrame, samples: pl.DataFrame, margins: Margins, rules: Rules) -> Analysis:
    """Effects of every case on every metric, and whether the environment may be believed.

    `cells` and `samples` have the columns of storage.schema.CELLS and SAMPLES, of any number of
    environments, runs and layers; each (environment, run) is judged by itself.
    """
    values = cell_values(cells, samples)
    diffs = differences(values)
    judged = judge(estimate(cells, diffs, rules), margins, rules)
    effects = judged.select(
        pl.col(name) if name in judged.columns else pl.lit(None).alias(name)
        for name in EFFECTS.schema
    ).cast(EFFECTS.schema)
    return Analysis(effects, CHECKS.frame(), diffs)
