"""The flow `campaign`: plan → measure (environments at once) → ingest → analyse → check → report.

Environments that share hardware are measured one after the other, all others at the same time.
"""

import asyncio
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prefect import flow

from tasks.ingest import Ingested
from tasks.model.errors import InputError, raise_all
from tasks.model.plan import Plan
from tasks.model.settings import Measurement, Selection
from tasks.plan import plan_environment
from tasks.report import Reported
from tasks.run_case import lay_out, resumable

from .analysis import analysis
from .measure import measure


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a campaign."""

    run: str
    folder: Path
    ended_early: dict[str, str]  # environment -> why
    ingested: list[Ingested]
    reported: Reported | None


def new_run() -> str:
    """An id that sorts by time and is its own."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


@flow(name="campaign", flow_run_name="campaign · {run}", validate_parameters=False)
async def campaign(
    config_dirs: list[Path],
    run: str,
    selection: Selection = Selection(),  # noqa: B008
    measurement: Measurement = Measurement(),  # noqa: B008
    results_dir: Path = Path("results"),
    datasets: str = "datasets/parquet",
    output: Path = Path("reports"),
    languages: list[Literal["zh", "en"]] | None = None,
    workflow: Path | None = None,
) -> Finished:
    """The whole campaign. A run whose folder is there already goes on where it stopped.

    Raises InputErrors (nothing was started), HostsBusy, RemoteError.
    """
    folder = results_dir / run
    parts = resumable(folder) if folder.exists() else _lay_out(
        folder, run, config_dirs, selection, measurement, workflow
    )  # fmt: skip
    ended_early = await _measure_all(parts, run, measurement)
    ingested, reported = await analysis(folder, datasets, output / run, languages or ["zh", "en"])
    return Finished(run, folder, ended_early, ingested, reported)


def _lay_out(
    folder: Path, run: str, config_dirs: list[Path], selection: Selection,
    measurement: Measurement, workflow: Path | None,
) -> dict[Path, str]:  # fmt: skip
    """Plans every environment and writes it down. Folder -> what hardware it shares."""
    plans: list[tuple[Path, Plan]] = []
    errors: list[InputError] = []
    for config_dir in config_dirs:
        try:
            plan = plan_environment(config_dir, selection, measurement, workflow)
            plans.append((config_dir, plan))
        except InputError as error:
            errors += getattr(error, "errors", [error])
    raise_all(errors)
    for config_dir, plan in plans:
        lay_out(config_dir, folder / plan.environment, run, plan)
    return resumable(folder)


async def _measure_all(parts: dict[Path, str], run: str, settings: Measurement) -> dict[str, str]:
    """Environment -> why it ended early, of those that did."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for folder, hardware in parts.items():
        groups[hardware].append(folder)

    async def in_turn(folders: list[Path]) -> dict[str, str]:
        ended = {}
        for folder in folders:
            reason = await measure(
                folder, folder.name, run, settings.min_free_mib, settings.keep_on_hosts
            )
            if reason:
                ended[folder.name] = reason
        return ended

    done = await asyncio.gather(
        *(in_turn(group) for group in groups.values()), return_exceptions=True
    )
    failed = [result for result in done if isinstance(result, BaseException)]
    if failed:  # the first in the order of the command; the others stand in their flow runs
        raise failed[0]
    return {
        name: why for result in done if isinstance(result, dict) for name, why in result.items()
    }
