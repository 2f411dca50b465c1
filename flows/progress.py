"""Where a campaign's progress is shown: in the Prefect log, unless a terminal listens instead."""

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
    """Each method is called when it happens."""

    def message(self, text: str) -> None: ...
    def slot_started(self, place: EnvironmentProgress) -> None: ...
    def cell_ended(self, outcome: Outcome) -> None: ...


class LogProgress:
    """A line a slot in the flow run's log; cells that do not count are warnings."""

    def message(self, text: str) -> None:
        get_run_logger().info(text)

    def slot_started(self, place: EnvironmentProgress) -> None:
        get_run_logger().info(
            "iteration %d · %s/%s · %s · about %s left",
            place.slot.iteration, place.done + 1, place.total, place.case.name,
            spoken(place.left_s),
        )  # fmt: skip

    def cell_ended(self, outcome: Outcome) -> None:
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


def place_of(environment: str, session: Session, slot: Slot) -> EnvironmentProgress:
    """How far a session is that starts `slot` now."""
    plan, left = session.site.plan, session.left()
    return EnvironmentProgress(
        environment,
        slot,
        plan.case(slot.case_id, slot.layer),
        done=len(plan.slots) - len(left),
        total=len(plan.slots),
        left_s=duration_s(plan, left),
    )


_UPDATED_EVERY_S = 60.0
"""Seldom enough for a server that serves 64 environments at once."""


async def new_artifact(environment: str) -> UUID:
    """An empty progress artifact."""
    key = re.sub(r"[^a-z0-9]+", "-", f"progress-{environment}".lower())
    return await acreate_progress_artifact(0.0, key=key, description=environment)


@asynccontextmanager
async def follow(artifact: UUID, environment: str, session: Session) -> AsyncIterator[None]:
    """Keeps the artifact up to date from a task of its own: no measurement waits for the server."""

    async def update() -> None:
        while True:
            await asyncio.sleep(_UPDATED_EVERY_S)
            await _update(artifact, environment, session)

    updater = asyncio.create_task(update())
    try:
        yield
    finally:
        updater.cancel()
    await _update(artifact, environment, session)


async def _update(artifact: UUID, environment: str, session: Session) -> None:
    done, where = 100.0, "measured"
    if left := session.left():
        place = place_of(environment, session, left[0])
        done = 100.0 * place.done / place.total
        where = (
            f"iteration {place.slot.iteration} · {place.case.name} · "
            f"about {spoken(place.left_s)} left"
        )
    with suppress(httpx.HTTPError):  # the next update tells it
        await aupdate_progress_artifact(
            artifact, progress=done, description=f"{environment} · {where}"
        )


def spoken(seconds: float) -> str:
    """`42 s`, `12 min`, `3.1 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
