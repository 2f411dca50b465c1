"""Who hears of a campaign's progress: the Prefect log, unless a terminal has taken its place."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from prefect.artifacts import aupdate_progress_artifact
from prefect.logging import get_run_logger

from tasks.model.outcome import Outcome
from tasks.model.plan import Case, Slot


@dataclass(frozen=True, slots=True)
class Place:
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
    def begins(self, place: Place) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...


class LogProgress:
    """A line a slot in the flow run's log; cells that do not count are warnings."""

    def said(self, text: str) -> None:
        get_run_logger().info(text)

    def begins(self, place: Place) -> None:
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


class Bar:
    """The progress artifact of one environment: how far, and how long it takes yet."""

    _EVERY_S = 10.0  # of 64 environments at once, the server need not hear more often

    def __init__(self, artifact: UUID) -> None:
        self._artifact, self._shown_at = artifact, -math.inf

    async def show(self, place: Place) -> None:
        """Where the environment is, unless it was told just now."""
        if time.monotonic() - self._shown_at < self._EVERY_S:
            return
        self._shown_at = time.monotonic()
        await aupdate_progress_artifact(
            self._artifact,
            progress=100.0 * place.done / place.total,
            description=f"{place.environment} · iteration {place.slot.iteration} · "
            f"{place.case.name} · about {spoken(place.left_s)} left",
        )

    async def full(self) -> None:
        await aupdate_progress_artifact(self._artifact, progress=100.0, description="measured")


def spoken(seconds: float) -> str:
    """`42 s`, `12 min`, `3.1 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
