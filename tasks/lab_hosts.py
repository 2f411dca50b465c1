"""The verbs `lab_up` and `lab_down`: the local lab as steps of a flow."""

from collections.abc import Callable, Sequence
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from .lab import lifecycle, requirements


@task(name="lab up", task_run_name="lab up · {name}", cache_policy=NO_CACHE)
def lab_up(name: str, layers: Sequence[str], switch: str, told: Callable[[str], None]) -> Path:
    """The minimal-input.yaml of a running lifecycle. Raises InputErrors for what is missing."""
    return lifecycle.up(name, layers=tuple(layers), switch=switch, progress=told).minimal_input


def lacking_for_guests(switch: str) -> list[str]:
    """What this machine lacks for VMs beside the hosts, a line each; empty: they can run here."""
    without = requirements.missing(["host"], switch)
    return [line for line in requirements.missing(["host", "vm"], switch) if line not in without]


@task(name="lab down", task_run_name="lab down · {name}", cache_policy=NO_CACHE)
def lab_down(name: str) -> None:
    """Leaves nothing of the lifecycle."""
    lifecycle.down(name)
