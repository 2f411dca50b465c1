"""The task `report`: the report, the per-tool overviews and the summary of runs in the datasets."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from .model.names import RunKey
from .reporting.campaign_report import CampaignReport, write_campaign
from .reporting.summary import summary_cells, summary_sentence, tonight
from .reporting.texts import Lang
from .statistics.margins import read_margins

__all__ = ["CampaignReport", "report_runs", "summary_cells", "summary_sentence", "tonight"]


@task(name="report", task_run_name="report · {output}", cache_policy=NO_CACHE)
def report_runs(
    datasets: str,
    keys: Sequence[RunKey],
    output: Path,
    languages: Sequence[Lang] = ("zh", "en"),
    margins: Path | None = None,
) -> CampaignReport:
    """Writes the campaign's report and the published overviews below `output`."""
    limits = read_margins(margins)
    # The charts' renderer keeps 150 MB until its process ends, so it gets one of its own.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(write_campaign, datasets, keys, limits, output, languages).result()
