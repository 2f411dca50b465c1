"""The verb `analyze`: cells and samples of runs to effects and the calibration's checks."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from .model.names import MARGINS_FILE
from .statistics.decision_rules import rules_of
from .statistics.effects import analyze
from .statistics.margins import read_margins
from .storage.dataset import Dataset


@task(name="analyze", task_run_name="analyze · {datasets}", cache_policy=NO_CACHE)
def analyze_runs(
    datasets: str, keys: Sequence[tuple[str, str]], margins: Path = MARGINS_FILE
) -> int:
    """Writes `effects` and the calibration's `checks` of these (environment, run).

    Returns the number of effects. Raises InputError for a margins file that is wrong.
    """
    dataset, limits = Dataset(datasets), read_margins(margins)
    count = 0
    for environment, run in keys:
        own = (pl.col("environment") == environment) & (pl.col("run") == run)
        cells, samples, runs = (
            dataset.scan(table).filter(own).collect() for table in ("cells", "samples", "runs")
        )
        found = analyze(cells, samples, limits, rules_of(runs))
        dataset.replace(environment, run, {"effects": found.effects, "checks": found.calibration})
        count += found.effects.height
    return count
