"""The flow `campaign`: plan → measure → ingest → analyse → check → report.

Environments that share hardware are measured one after the other, all others at the same time.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from prefect import flow
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_DATABASE_CONNECTION_URL

from tasks.enforce import read_budget
from tasks.ingest import Ingested, is_measured
from tasks.lay_out_run import RunFolder, groups_of, lay_out_run
from tasks.make_plan import plan_environment
from tasks.model.errors import EnvironmentErrors, InputError, OverheadError
from tasks.model.fields import Address, Identifier
from tasks.model.settings import Measurement, Selection
from tasks.report import CampaignReport

from .analysis import analysis
from .environment_plans import mismatches, plans_of
from .form import CampaignRequest, Language, WhenBusy, titled
from .measure import Measuring, measure
from .progress import progress

SQLITE_ENVIRONMENTS = 8
"""Number of environments that a Prefect server on SQLite serves at once. With more, it refuses so
many requests, which clients repeat after seconds, that environments start minutes late."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The result of a campaign."""

    run: str
    folder: Path
    ended_early: dict[str, str]  # environment -> why
    ingested: list[Ingested]
    reported: CampaignReport | None


def new_run(mark: str = "") -> str:
    """An id that sorts by time and is unique."""
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
    budget: Path | None = None,
) -> Finished:
    """Measures tools in environments, from the plan to the report.

    Raises InputErrors (nothing was started), HostsBusy, RemoteError.

    Args:
        environments: Environments by name (below config/environments) or by folder
        run: Run to resume; empty: start a new run
        selection: Cases to measure; nothing chosen: all
        measurement: Duration, repetitions and loads
        when_busy: If another run holds a host: wait for it, or refuse
        languages: Languages of the report
        results_dir: Folder for raw results
        datasets: Location of the parquet datasets: a folder or an object store's address
        output: Folder for reports
        workflow: A workflow.json that `plan` wrote, run unchanged
        budget: Budget file; costs above it are named in an artifact and an event
    """
    request = CampaignRequest(
        environments, selection, measurement, when_busy, languages, results_dir, datasets, output,
        workflow, budget,
    )  # fmt: skip
    return await conduct(request, run or own_run(results_dir), "campaign")


def own_run(results_dir: Path) -> str:
    """The run id of this flow run, which is the same after a retry or a resume by Prefect."""
    mark = str(flow_run.id or "").replace("-", "")[-8:]
    known = sorted(results_dir.glob(f"*-{mark}")) if mark else []
    return known[0].name if known else new_run(mark)


async def conduct(
    request: CampaignRequest, run: str, title: str, until: datetime | None = None
) -> Finished:
    """Runs a campaign, or resumes it if the run exists. No slot is started that would end after
    `until`."""
    if request.budget is not None:
        read_budget(request.budget)  # a mistake in it is found before hosts are reserved
    folder = request.results_dir / run
    if not folder.exists():
        _lay_out(folder, request)
    _warn_about_sqlite(len(groups_of(folder)))
    ended_early = await _measure_all(
        folder, Measuring(request.measurement, request.when_busy, title, until)
    )
    if ended_early and not is_measured(folder):
        return Finished(run, folder, ended_early, [], None)
    ingested, reported = await analysis(
        folder,
        request.datasets,
        request.output / run,
        list(request.languages),
        budget=request.budget,
    )
    return Finished(run, folder, ended_early, ingested, reported)


def _lay_out(folder: Path, request: CampaignRequest) -> None:
    """Plans all environments and creates their run folders, or none. Raises InputErrors."""
    if not request.environments:
        raise InputError("environments", "", "none chosen", "at least one, or a run to resume")
    plans = plans_of(
        request.environments,
        request.selection,
        request.measurement,
        request.workflow,
        plan_environment,
        request.datasets,
    )
    for planned in plans:
        for reason in planned.reasons:
            progress().notify(f"{planned.plan.environment}: {reason}")
    if request.workflow is None:
        for text in mismatches(request.environments):
            progress().notify(text)
    lay_out_run(folder, [(planned.folder, planned.plan) for planned in plans])


def _warn_about_sqlite(at_once: int) -> None:
    """Warns if more environments are measured at once than a server on SQLite serves."""
    if at_once > SQLITE_ENVIRONMENTS and _uses_sqlite():
        progress().notify(
            f"{at_once} environments at once: a Prefect server on SQLite serves up to "
            f"{SQLITE_ENVIRONMENTS}; for more, set {PREFECT_SERVER_DATABASE_CONNECTION_URL.name} "
            "to a PostgreSQL database"
        )


def _uses_sqlite() -> bool:
    """Whether this machine's server uses SQLite; False for a server elsewhere."""
    api = PREFECT_API_URL.value()
    is_local = not api or urlsplit(api).hostname in ("127.0.0.1", "::1", "localhost")
    return is_local and str(PREFECT_SERVER_DATABASE_CONNECTION_URL.value()).startswith("sqlite")


async def _measure_all(run: Path, measuring: Measuring) -> dict[str, str]:
    """Environment -> why it ended early, for those that did. Raises the environments' errors."""

    async def one_after_the_other(group: list[RunFolder]) -> dict[str, str]:
        ended = {}
        for folder in group:
            if reason := await measure(folder, folder.path.name, run.name, measuring):
                ended[folder.path.name] = reason
        return ended

    done = await asyncio.gather(*map(one_after_the_other, groups_of(run)), return_exceptions=True)
    expected = [result for result in done if isinstance(result, OverheadError)]
    for result in done:
        if isinstance(result, BaseException) and not isinstance(result, OverheadError):
            raise result
    if expected:
        raise expected[0] if len(expected) == 1 else EnvironmentErrors(expected)
    ended = [result for result in done if isinstance(result, dict)]
    return {name: reason for group in ended for name, reason in group.items()}
