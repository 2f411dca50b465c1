"""The flow `nightly`: a campaign within the hours of a night, started by a schedule.

A plan that was not finished in one night is resumed the next night, before a new plan is made.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import Field

from tasks.lay_out_run import is_unfinished
from tasks.model.fields import Address
from tasks.model.settings import Measurement, Selection

from .campaign import conduct, new_run
from .environment_plans import known_environments
from .form import CampaignRequest, Language, WhenBusy, titled


@flow(name="nightly", flow_run_name=titled("nightly"))
async def nightly(
    environments: list[str] = [],  # noqa: B006
    window_h: Annotated[float, Field(gt=0, le=24)] = 7.0,
    selection: Selection = Selection(),  # noqa: B008
    measurement: Measurement = Measurement(),  # noqa: B008
    when_busy: WhenBusy = WhenBusy.WAIT,
    languages: list[Language] = ["zh", "en"],  # noqa: B006
    results_dir: Path = Path("results"),
    datasets: Address = "datasets/parquet",
    output: Path = Path("reports"),
    budget: Path | None = None,
) -> Any:
    """Measures during the night; no slot is started that would not end within the window.

    Returns a state with a `Finished`, whose message says what is left for the next night.
    Raises InputErrors (nothing was started), HostsBusy, RemoteError.

    Args:
        environments: Environments by name or by folder; empty: all below config/environments
        window_h: Length of the night in hours, from the scheduled start
        selection: Cases to measure; nothing chosen: all
        measurement: Duration, repetitions and loads
        when_busy: If another run holds a host: wait for it within the window, or refuse
        languages: Languages of the report
        results_dir: Folder for raw results
        datasets: Location of the parquet datasets: a folder or an object store's address
        output: Folder for reports
        budget: Budget file; costs above it are named in an artifact and an event
    """
    environments = environments or known_environments()
    until = (flow_run.scheduled_start_time or datetime.now(UTC)) + timedelta(hours=window_h)
    request = CampaignRequest(
        environments,
        selection,
        measurement,
        when_busy,
        languages,
        results_dir,
        datasets,
        output,
        budget=budget,
    )
    finished = await conduct(request, _run(request), "nightly", until)
    left = "; ".join(f"{name}: {why}" for name, why in finished.ended_early.items())
    return Completed(message=left or "all is measured", data=finished)


def _run(request: CampaignRequest) -> str:
    """The last run with the same settings if it is unfinished or being retried; else a new one."""
    settings = (request.selection.model_dump_json(), request.measurement.model_dump_json())
    text = "\n".join([*sorted(request.environments), *settings])
    mark = f"nightly-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    earlier = sorted(request.results_dir.glob(f"*-{mark}"))
    if earlier and ((flow_run.run_count or 0) > 1 or is_unfinished(earlier[-1])):
        return earlier[-1].name
    return new_run(mark)
