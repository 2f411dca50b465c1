"""The tasks `lab_up` and `lab_down`: start and remove the local lab."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from .lab import lifecycle, requirements
from .lab.lifecycle import Notify


@task(name="lab up", task_run_name="lab up · {name}", cache_policy=NO_CACHE)
def lab_up(name: str, layers: Sequence[str], switch: str, notify: Notify) -> Path:
    """Starts a lab and returns its minimal-input.yaml.

    Raises InputErrors for what this machine lacks.
    """
    return lifecycle.up(name, layers=layers, switch=switch, notify=notify).minimal_input


def lacking_for_guests(switch: str) -> list[str]:
    """What VMs need beyond hosts and this machine lacks, a line each; empty: nothing."""
    for_hosts = requirements.missing(["host"], switch)
    return [line for line in requirements.missing(["host", "vm"], switch) if line not in for_hosts]


@task(name="lab down", task_run_name="lab down · {name}", cache_policy=NO_CACHE)
def lab_down(name: str) -> None:
    """Removes all of the lab."""
    lifecycle.down(name)
