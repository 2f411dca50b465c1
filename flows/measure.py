"""The flow `measure`: measures one environment's plan on reserved hosts. Each iteration is a
subflow, so that the graph of a run has one box per iteration, which opens to show its cases."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import flow
from prefect.exceptions import FailedRun

from tasks.find_capacity import capacity_finder, searched_layers
from tasks.interim_analysis import analyze_interim
from tasks.lay_out_run import RunFolder
from tasks.make_plan import duration_s
from tasks.model.bilingual import Bilingual
from tasks.model.errors import OverheadError
from tasks.model.plan import Slot
from tasks.model.settings import Measurement
from tasks.run_case import Session, case_runner

from .form import WhenBusy
from .host_reservation import reserved_hosts
from .progress import artifact_updated, create_artifact, environment_progress, progress

_BUDGET_SPENT = Bilingual(
    "the time budget of {hours} h ends here", "{hours} 小时的时间预算到此用完"
)

ITERATION = "iteration"
"""Name of the subflow."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """How the environments of a run are measured."""

    settings: Measurement
    when_busy: WhenBusy = WhenBusy.REFUSE
    title: str = "campaign"
    until: datetime | None = None  # no slot is started that would not end by then


@flow(name="measure", flow_run_name="{environment} · {run}", validate_parameters=False)
async def measure(folder: RunFolder, environment: str, run: str, measuring: Measuring) -> str:
    """Measures the remaining slots of the plan in `folder`.

    Returns why it ended early; empty if every cell has its outcome. Raises HostsBusy, and
    RemoteError or InputErrors for unsuitable hosts, before anything is started.
    """
    artifact = await create_artifact(environment)
    if changed := folder.changed_original():
        progress().notify(changed)
    async with (
        reserved_hosts(folder, measuring.settings, measuring.when_busy, measuring.until) as session,
        artifact_updated(artifact, environment, session),
    ):
        session.listeners.append(progress().cell_ended)
        await _find_capacities(session, environment)
        for reason in session.site.unattachable.values():
            progress().notify(f"{environment} · cannot attach: {reason}")
        iteration = _iteration_flow(session, environment, measuring)
        begun = time.monotonic()
        while left := session.left():
            plan, number = session.site.plan, left[0].iteration
            needed_s = duration_s(plan, [slot for slot in left if slot.iteration == number])
            budget_s = plan.design.budget_s
            if budget_s and time.monotonic() - begun + needed_s > budget_s:
                session.skip(left, _BUDGET_SPENT.format(hours=f"{budget_s / 3600:g}"))
                return ""
            if reason := await iteration(number, plan.design.iterations):
                return reason
            _replan(session, environment, number)
    return ""


async def _find_capacities(session: Session, environment: str) -> None:
    """Finds the rates that load workloads are shares of, where the plan has some left."""
    find_capacity = capacity_finder(session)
    for layer in searched_layers(session.site.plan) if session.left() else ():
        held = await find_capacity(layer)
        progress().notify(
            f"{environment} · {layer}: without a tool up to {held:,.0f} packets/s are held"
        )


def _replan(session: Session, environment: str, iteration: int) -> None:
    """Continues with the plan as the interim analysis changes it."""
    interim = analyze_interim(session.site.folder, session.site.plan, iteration)
    session.replan(interim.plan)
    for case, reason in interim.decided.items():
        progress().notify(f"{environment} · {case}: {reason}")
    if interim.repeated:
        progress().notify(
            f"{environment} · iteration {iteration}: baselines jumped, "
            f"{interim.repeated} slots are repeated"
        )


def _iteration_flow(
    session: Session, environment: str, measuring: Measuring
) -> Callable[[int, int], Awaitable[str]]:
    """The subflow that measures one iteration in this session. It takes the iteration's number and
    the number of iterations; it returns why measuring must stop, or an empty text to continue."""
    run_case = case_runner(session)

    @flow(
        name=ITERATION,
        flow_run_name=f"{measuring.title} · {environment} · iteration {{number}}/{{total}}",
        validate_parameters=False,
    )
    async def iteration(number: int, total: int) -> str:
        for slot in [slot for slot in session.left() if slot.iteration == number]:
            if measuring.until is not None and _end_of(session, slot) > measuring.until:
                left = len(session.left())
                ends = f"{measuring.until.astimezone():%H:%M}"
                return f"the window ends at {ends}; {left} slots are left"
            place = environment_progress(environment, session, slot)
            progress().slot_started(place)
            name = f"{environment} · iteration {number} · {place.case.name}"
            state = await run_case(slot, name, return_state=True)
            error = None if state.is_completed() else await state.aresult(raise_on_failure=False)
            if isinstance(error, OverheadError):  # no more cells on these hosts
                session.skip(session.left(), Bilingual(str(error), ""))
                return str(error)
            if isinstance(error, BaseException) and not isinstance(error, FailedRun):
                raise error  # a full disk here, or a defect: the next slot would fail too
        return ""

    return iteration


def _end_of(session: Session, slot: Slot) -> datetime:
    return datetime.fromtimestamp(time.time() + duration_s(session.site.plan, [slot]), UTC)
