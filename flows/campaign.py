"""The flow `campaign`: plan → measure (environments at once) → ingest → analyse → check → report.

Environments that share hardware are measured one after the other, all others at the same time.
"""

import asyncio
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from prefect import flow
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_DATABASE_CONNECTION_URL

from tasks.ingest import Ingested, measured
from tasks.model.errors import InputError, raise_all
from tasks.model.names import Address, Identifier
from tasks.model.plan import Plan
from tasks.model.settings import Measurement, Selection
from tasks.plan import plan_environment
from tasks.report import Reported
from tasks.run_case import lay_out, resumable

from .analysis import analysis
from .form import Language, WhenBusy, folders_of, titled
from .measure import measure
from .progress import progress

SQLITE_ENVIRONMENTS = 8
"""So many at once are served by a Prefect server on SQLite. Of more it refuses so many requests,
which are sent again after seconds, that they begin minutes late."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a campaign."""

    run: str
    folder: Path
    ended_early: dict[str, str]  # environment -> why
    ingested: list[Ingested]
    reported: Reported | None


def new_run(mark: str = "") -> str:
    """An id that sorts by time and is its own."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{mark or secrets.token_hex(2)}"


@flow(name="campaign", flow_run_name=titled("campaign"))
async def campaign(
    environments: list[str] = [],  # noqa: B006  (a literal default is what a form shows)
    run: Identifier | None = None,
    selection: Selection = Selection(),  # noqa: B008
    measurement: Measurement = Measurement(),  # noqa: B008
    when_busy: WhenBusy = WhenBusy.REFUSE,
    languages: list[Language] = ["zh", "en"],  # noqa: B006
    results_dir: Path = Path("results"),
    datasets: Address = "datasets/parquet",
    output: Path = Path("reports"),
    workflow: Path | None = None,
) -> Finished:
    """Measures tools on environments, end to end, from the plan to the report.

    Raises InputErrors (nothing was started), HostsBusy, RemoteError.

    Args:
        environments: Names of folders below config/environments, or folders, that bootstrap wrote
        run: Go on with this run where it stopped; empty: a fresh one
        selection: Which cases; nothing chosen: all
        measurement: How long, how often, with which loads
        when_busy: If another run holds a host: wait for it, or refuse
        languages: Of the report
        results_dir: Where raw results go
        datasets: Where the parquet datasets lie: a folder or an object store's address
        output: Where reports go
        workflow: A workflow.json that `plan` wrote, run as it stands
    """
    return await conduct(
        "campaign", None, environments, run or own_run(results_dir), selection, measurement,
        when_busy, languages, results_dir, datasets, output, workflow,
    )  # fmt: skip


def own_run(results_dir: Path) -> str:
    """The run of this flow run: the same one when Prefect retries or resumes it, so that it goes on
    where it stopped."""
    mark = str(flow_run.id or "").replace("-", "")[-8:]
    known = sorted(results_dir.glob(f"*-{mark}")) if mark else []
    return known[0].name if known else new_run(mark)


async def conduct(
    title: str, until: datetime | None, environments: list[str], run: str, selection: Selection,
    measurement: Measurement, when_busy: WhenBusy, languages: list[Language], results_dir: Path,
    datasets: str, output: Path, workflow: Path | None = None,
) -> Finished:  # fmt: skip
    """The steps of a campaign; one that was laid out goes on. Past `until` no slot is started."""
    folder = results_dir / run
    if folder.exists():
        parts = resumable(folder)
    elif environments:
        config_dirs = folders_of(environments)
        parts = _lay_out(folder, run, config_dirs, selection, measurement, workflow)
    else:
        raise InputError("environments", "", "none chosen", "at least one, or a run to go on with")
    _warn_of_sqlite(len(set(parts.values())))
    ended_early = await _measure_all(parts, run, measurement, title, when_busy, until)
    if ended_early and not measured(folder):
        return Finished(run, folder, ended_early, [], None)
    ingested, reported = await analysis(folder, datasets, output / run, languages)
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


def _warn_of_sqlite(at_once: int) -> None:
    """Says so where more environments are measured at once than the server's SQLite serves."""
    if at_once > SQLITE_ENVIRONMENTS and _on_sqlite():
        progress().said(
            f"{at_once} environments at once: a Prefect server on SQLite serves up to "
            f"{SQLITE_ENVIRONMENTS}; for more, set {PREFECT_SERVER_DATABASE_CONNECTION_URL.name} "
            "to a PostgreSQL database"
        )


def _on_sqlite() -> bool:
    """Whether this machine's settings say so. A server elsewhere has its own, and its API tells
    nobody which database they name."""
    api = PREFECT_API_URL.value()
    here = not api or urlsplit(api).hostname in ("127.0.0.1", "::1", "localhost")
    return here and str(PREFECT_SERVER_DATABASE_CONNECTION_URL.value()).startswith("sqlite")


async def _measure_all(
    parts: dict[Path, str], run: str, settings: Measurement, title: str, when_busy: WhenBusy,
    until: datetime | None,
) -> dict[str, str]:  # fmt: skip
    """Environment -> why it ended early, of those that did."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for folder, hardware in parts.items():
        groups[hardware].append(folder)

    async def in_turn(folders: list[Path]) -> dict[str, str]:
        ended = {}
        for folder in folders:
            if reason := await measure(
                folder, folder.name, run, settings.min_free_mib, settings.keep_on_hosts, title,
                when_busy, until,
            ):  # fmt: skip
                ended[folder.name] = reason
        return ended

    done = await asyncio.gather(*map(in_turn, groups.values()), return_exceptions=True)
    failed = [result for result in done if isinstance(result, BaseException)]
    if failed:  # the first in the order of the command; the others stand in their flow runs
        raise failed[0]
    return {
        name: why for result in done if isinstance(result, dict) for name, why in result.items()
    }
