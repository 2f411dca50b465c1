"""The task `lab_up` and `lab_down`: start and remove the local lab."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from .lab import lifecycle
from .lab.lifecycle import Ended, Notify


@task(name="lab up", task_run_name="lab up · {name}", cache_policy=NO_CACHE)
def lab_up(name: str, layers: Sequence[str], switch: str, notify: Notify, ended: Ended) -> Path:
    """Starts a lab and returns its minimal-input.yaml; takes it down once `ended()`.

    Raises InputErrors for what this machine lacks.
    """
    return lifecycle.up(name, layers, switch, notify=notify, ended=ended).minimal_input


def lab_down(name: str) -> None:
    """Removes all of the lab. No Prefect task: it must not depend on a server that may be gone."""
    lifecycle.down(name)
