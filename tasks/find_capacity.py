"""The task `find capacity`: the packet rate that a layer of an environment holds without a tool."""

from collections.abc import Callable, Coroutine
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from .execution.capacity import SEARCH_S
from .execution.session import Session
from .model.environment import Layer
from .model.plan import Plan

__all__ = ["SEARCH_S", "capacity_finder", "searched_layers"]


def searched_layers(plan: Plan) -> list[Layer]:
    """The layers whose capacity must be known: those in which a load workload is measured."""
    if all(workload.load_pct is None for workload in plan.workloads):
        return []
    return list(dict.fromkeys(slot.layer for slot in plan.slots))


def capacity_finder(session: Session) -> Callable[[Layer], Coroutine[Any, Any, float]]:
    """The task that finds a layer's capacity in this session, packets/s; see `case_runner`."""

    @task(name="find capacity", task_run_name="find capacity · {layer}", cache_policy=NO_CACHE,
          persist_result=False)  # fmt: skip
    async def find_capacity(layer: Layer) -> float:
        return await session.find_capacity(layer)

    return find_capacity
