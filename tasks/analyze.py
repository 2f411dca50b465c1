"""The task `analyze`: from the cells and samples of runs to effects and calibration checks."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from .model.names import RunKey
from .statistics.decision_rules import rules_of
from .statistics.delivered import with_losses
from .statistics.effects import analyze
from .statistics.margins import read_margins
from .storage.dataset import Dataset


@task(name="analyze", task_run_name="analyze · {datasets}", cache_policy=NO_CACHE)
def analyze_runs(datasets: str, keys: Sequence[RunKey], margins: Path | None = None) -> None:
    """Writes the `effects` and the calibration `checks` of these (environment, run).

    Raises InputError for an invalid margins file.
    """
    dataset, limits = Dataset(datasets), read_margins(margins)
    for key in keys:
        cells, samples, runs, completeness = (
            dataset.rows(table, [key]) for table in ("cells", "samples", "runs", "completeness")
        )
        analysis = analyze(cells, samples, limits, rules_of(runs))
        effects = with_losses(analysis.effects, completeness)
        dataset.replace(*key, {"effects": effects, "checks": analysis.calibration})
