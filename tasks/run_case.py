"""The task `run_case`: all cells of one slot."""

from collections.abc import Callable, Coroutine
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from .execution.session import Session
from .model.outcome import CellStatus
from .model.plan import Slot

__all__ = ["Session", "case_runner"]


def case_runner(session: Session) -> Callable[..., Coroutine[Any, Any, Any]]:
    """The task that runs slots of this session. An open connection cannot be a task's parameter, so
    each session has a task of its own.

    The task takes a slot and a name, and returns a state: Failed if a cell does not count; the flow
    then continues. It raises HostNotClean or RemoteError if nothing more can be measured on these
    hosts.
    """

    @task(name="run_case", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
    async def run_case(slot: Slot, name: str) -> Any:
        outcomes = await session.run(slot)
        bad = [o for o in outcomes if o.status is not CellStatus.PASSED]
        if not bad:
            return Completed(message=f"{len(outcomes)} cells passed", data=outcomes)
        lines = (f"{o.key.workload}: {o.gate or o.status} {o.reason}"[:300] for o in bad[:3])
        return Failed(
            message=f"{len(bad)} of {len(outcomes)} cells do not count: {'; '.join(lines)}"
        )

    return run_case
