"""Shows the progress of a campaign: in the flow run's log or on a terminal, and in a progress
artifact for each environment."""

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
    """How much of one environment's plan is done when `slot` starts."""

    environment: str
    slot: Slot
    case: Case
    done: int  # slots that have ended, of
    total: int
    left_s: float

    @property
    def text(self) -> str:
        left = duration_text(self.left_s)
        return f"iteration {self.slot.iteration} · {self.case.name} · about {left} left"


class Progress(Protocol):
    """Receives the events of a campaign as they happen."""

    def notify(self, text: str) -> None: ...
    def slot_started(self, place: EnvironmentProgress) -> None: ...
    def cell_ended(self, outcome: Outcome) -> None: ...


class LogProgress:
    """A line for each slot in the flow run's log; cells that do not count are warnings."""

    def notify(self, text: str) -> None:
        get_run_logger().info(text)

    def slot_started(self, place: EnvironmentProgress) -> None:
        get_run_logger().info("%s/%s · %s", place.done + 1, place.total, place.text)

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
def progress_on(listener: Progress) -> Iterator[None]:
    """Sends progress to `listener` in the body."""
    token = _PROGRESS.set(listener)
    try:
        yield
    finally:
        _PROGRESS.reset(token)


def environment_progress(environment: str, session: Session, slot: Slot) -> EnvironmentProgress:
    """The progress of a session that is about to start `slot`."""
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
"""Rare enough for a server with 64 environments at once."""


async def create_artifact(environment: str) -> UUID:
    """Creates a progress artifact at 0 %."""
    key = re.sub(r"[^a-z0-9]+", "-", f"progress-{environment}".lower())
    return await acreate_progress_artifact(0.0, key=key, description=environment)


@asynccontextmanager
async def artifact_updated(
    artifact: UUID, environment: str, session: Session
) -> AsyncIterator[None]:
    """Updates the artifact every minute, in the background, so that no measurement waits for it."""

    async def keep_updating() -> None:
        while True:
            await asyncio.sleep(_UPDATED_EVERY_S)
            await _update(artifact, environment, session)

    updater = asyncio.create_task(keep_updating())
    try:
        yield
    finally:
        updater.cancel()
    await _update(artifact, environment, session)


async def _update(artifact: UUID, environment: str, session: Session) -> None:
    percent, text = 100.0, "measured"
    if left := session.left():
        place = environment_progress(environment, session, left[0])
        percent, text = 100.0 * place.done / place.total, place.text
    with suppress(httpx.HTTPError):  # the next update replaces it
        await aupdate_progress_artifact(
            artifact, progress=percent, description=f"{environment} · {text}"
        )


def duration_text(seconds: float) -> str:
    """`42 s`, `12 min`, `3.1 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
