"""Who hears of a campaign's progress: the Prefect log, unless a terminal has taken its place."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import httpx
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger

from tasks.make_plan import duration_s
from tasks.model.outcome import Outcome
from tasks.model.plan import Case, Slot
from tasks.run_case import Session


@dataclass(frozen=True, slots=True)
class EnvironmentProgress:
    """How far one environment is."""

    environment: str
    slot: Slot
    case: Case
    done: int  # slots ended, of
    total: int
    left_s: float


class Progress(Protocol):
    """All are called as things happen."""

    def said(self, text: str) -> None: ...
    def begins(self, place: EnvironmentProgress) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...


class LogProgress:
    """A line a slot in the flow run's log; cells that do not count are warnings."""

    def said(self, text: str) -> None:
        get_run_logger().info(text)

    def begins(self, place: EnvironmentProgress) -> None:
        get_run_logger().info(
            "iteration %d · %s/%s · %s · about %s left",
            place.slot.iteration, place.done + 1, place.total, place.case.name,
            spoken(place.left_s),
        )  # fmt: skip

    def ended(self, outcome: Outcome) -> None:
        if outcome.status != "passed":
            key = outcome.key
            get_run_logger().warning(
                "%s · %s · %s: %s %s", key.case, key.workload, outcome.status, outcome.gate,
                outcome.reason,
            )  # fmt: skip


_PROGRESS: ContextVar[Progress] = ContextVar("progress", default=LogProgress())  # noqa: B039


def progress() -> Progress:
    return _PROGRESS.get()


@contextmanager
def heard_by(listener: Progress) -> Iterator[None]:
    """Progress goes to `listener` in the body."""
    token = _PROGRESS.set(listener)
    try:
        yield
    finally:
        _PROGRESS.reset(token)


def place_of(environment: str, campaign: Session, slot: Slot) -> EnvironmentProgress:
    """Where a campaign is that begins `slot` now."""
    plan, left = campaign.site.plan, campaign.left()
    return EnvironmentProgress(
        environment,
        slot,
        plan.case(slot.case_id, slot.layer),
        done=len(plan.slots) - len(left),
        total=len(plan.slots),
        left_s=duration_s(plan, left),
    )


_SHOWN_EVERY_S = 60.0
"""Of 64 environments at once, the server need not hear more often."""


async def created(environment: str) -> UUID:
    """A progress artifact, of which nothing is known yet."""
    key = re.sub(r"[^a-z0-9]+", "-", f"progress-{environment}".lower())
    return await acreate_progress_artifact(0.0, key=key, description=environment)


@asynccontextmanager
async def shown(artifact: UUID, environment: str, campaign: Session) -> AsyncIterator[None]:
    """A progress artifact that follows the campaign from beside it: nothing that is measured waits
    for the server."""

    async def follow() -> None:
        while True:
            await asyncio.sleep(_SHOWN_EVERY_S)
            await _show(artifact, environment, campaign)

    follower = asyncio.create_task(follow())
    try:
        yield
    finally:
        follower.cancel()
    await _show(artifact, environment, campaign)


async def _show(artifact: UUID, environment: str, campaign: Session) -> None:
    done, where = 100.0, "measured"
    if left := campaign.left():
        place = place_of(environment, campaign, left[0])
        done = 100.0 * place.done / place.total
        where = (
            f"iteration {place.slot.iteration} · {place.case.name} · "
            f"about {spoken(place.left_s)} left"
        )
    with suppress(httpx.HTTPError):  # it hears of it next time
        await aupdate_progress_artifact(
            artifact, progress=done, description=f"{environment} · {where}"
        )


def spoken(seconds: float) -> str:
    """`42 s`, `12 min`, `3.1 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
