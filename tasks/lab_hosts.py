"""The task `lab_up` and `lab_down`: start and remove the local lab."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from .lab import lifecycle
from .lab.lifecycle import Ended, Notify
from .model.clock_kind import Clock

KERNEL = "6.1"
"""Of a machine that counts instructions, unless another is asked for."""


@task(name="lab up", task_run_name="lab up · {name}", cache_policy=NO_CACHE)
def lab_up(
    name: str, layers: Sequence[str], switch: str, clock: Clock, notify: Notify, ended: Ended
) -> Path:
    """Starts a lab and returns its minimal-input.yaml; takes it down once `ended()`.

    clock: the wall's, on this machine; or in a machine of its own that counts instructions. Raises
    InputErrors for what this machine lacks.
    """
    kernel = KERNEL if clock is Clock.INSTRUCTIONS else None
    return lifecycle.up(
        name, layers, switch, notify=notify, ended=ended, kernel=kernel, clock=clock.value
    ).minimal_input


def lab_down(name: str) -> None:
    """Removes all of the lab. No Prefect task: it must not depend on a server that may be gone."""
    lifecycle.down(name)
