"""The flow `measure`: one environment's plan on hosts that it holds throughout, an iteration a
subflow, so that the graph of a night is a few named boxes and each opens on its cases."""

import time
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow
from prefect.exceptions import FailedRun

from tasks.look import look
from tasks.model.errors import OverheadError
from tasks.model.plan import Slot
from tasks.plan import duration_s
from tasks.run_case import WORKFLOW_FILE, Campaign, opened, run_case

from .form import WhenBusy
from .progress import created, place_of, progress, shown
from .turns import turn


@flow(name="measure", flow_run_name="{environment} · {run}", validate_parameters=False)
async def measure(
    folder: Path,
    environment: str,
    run: str,
    min_free_mib: int = 512,
    keep_on_hosts: bool = False,
    title: str = "campaign",
    when_busy: WhenBusy = WhenBusy.REFUSE,
    until: datetime | None = None,
) -> str:
    """Measures what is left of the plan in `folder`.

    Returns why it ended early; empty where every cell has its outcome. Raises HostsBusy, and
    RemoteError or InputErrors for hosts that cannot be measured on, before anything is started.
    """
    bar = await created(environment)
    async with (
        turn(
            folder, run, when_busy, until, min_free_mib=min_free_mib, keep_on_hosts=keep_on_hosts
        ) as campaign,
        shown(bar, environment, campaign),
    ):
        campaign.listeners.append(progress().ended)
        since, design = time.monotonic(), campaign.site.plan.design
        while left := campaign.left():
            number = left[0].iteration
            needed_s = duration_s(campaign.site.plan, [s for s in left if s.iteration == number])
            if design.budget_s and time.monotonic() - since + needed_s > design.budget_s:
                campaign.skip(left, f"the budget of {design.budget_s / 3600:g} h ends here")
                return ""
            if reason := await measure_iteration(
                str(folder), environment, number, design.iterations, title, until
            ):
                return reason
            _look(campaign, environment, number)
    return ""


def _look(campaign: Campaign, environment: str, iteration: int) -> None:
    """Goes on with what the numbers so far leave of the plan."""
    folder = campaign.site.folder
    looked = look(folder, campaign.site.plan, iteration, folder / WORKFLOW_FILE)
    campaign.replan(looked.plan)
    for case, why in looked.decided.items():
        progress().said(f"{environment} · {case}: {why}")
    if looked.repeated:
        progress().said(
            f"{environment} · iteration {iteration}: baselines jumped, "
            f"{looked.repeated} slots are run again"
        )


@flow(
    name="iteration",
    flow_run_name="{title} · {environment} · iteration {number}/{total}",
    validate_parameters=False,
)
async def measure_iteration(
    folder: str,
    environment: str,
    number: int,
    total: int,
    title: str,
    until: datetime | None,
) -> str:
    """What is left of one iteration, slot by slot, on hosts that `measure` holds.

    Returns why nothing more is to be measured; empty where the next iteration may follow.
    """
    campaign = opened(folder)
    for slot in [slot for slot in campaign.left() if slot.iteration == number]:
        if until is not None and _end_of(campaign, slot) > until:
            left = len(campaign.left())
            return f"the window ends at {until.astimezone():%H:%M}; {left} slots are left"
        place = place_of(environment, campaign, slot)
        progress().begins(place)
        name = f"{environment} · iteration {number} · {place.case.name}"
        state = await run_case(folder, slot, name, return_state=True)  # type: ignore[misc]
        error = None if state.is_completed() else await state.aresult(raise_on_failure=False)
        if isinstance(error, OverheadError):  # no more cells on these hosts
            campaign.skip(campaign.left(), str(error))
            return str(error)
        if isinstance(error, BaseException) and not isinstance(error, FailedRun):
            raise error  # a full disk here, or a mistake of ours: the next slot would meet it too
    return ""


def _end_of(campaign: Campaign, slot: Slot) -> datetime:
    return datetime.fromtimestamp(time.time() + duration_s(campaign.site.plan, [slot]), UTC)
