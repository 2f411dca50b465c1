"""The automations that find runs whose process is gone: killed, or lost with its machine.

A run's process sends heartbeats (deployments/prefect.env sets how often). After each sign of life
the server expects the next one, or the run's end; without either, it marks the run as crashed. The
server keeps what it expects in its database, and so also finds runs that died while it was down.
"""

from collections.abc import Sequence
from datetime import timedelta

from prefect.automations import AutomationCore, ChangeFlowRunState, EventTrigger, Posture
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType

from .automations import register

SILENT_AFTER_S = 180
"""Three heartbeats. A process needs less to start, from Pending to its first heartbeat."""

_HEARTBEAT = "heartbeat"
_ALIVE = ("Pending", "Running", "Retrying", "Rerunning", _HEARTBEAT)
_NO_PROCESS = (
    "Completed", "Failed", "Crashed", "Cancelled", "Paused", "Suspended", "Scheduled",
    "AwaitingRetry", "AwaitingConcurrencySlot",
)  # fmt: skip

WATCHED = {
    "dead runs of ebpf-overhead": (("campaign", "nightly", "analysis", "lab-demo"), _ALIVE),
    "dead parts of ebpf-overhead runs": (("measure", "iteration"), (_HEARTBEAT,)),
}
"""Name of the automation -> its flows, and the events that count as their signs of life.

Only the project's own flows: others on the same server may send heartbeats less often. A subflow
starts in a live process and sends its first heartbeat at once, so its state changes need not count:
the server stores each event that it waits after, and with 64 environments that is most of what it
writes."""


async def watch_heartbeats(client: PrefectClient) -> None:
    """Registers the automations."""
    for name, (flows, signs_of_life) in WATCHED.items():
        await register(client, _automation(name, flows, signs_of_life))


def _automation(name: str, flows: Sequence[str], signs_of_life: Sequence[str]) -> AutomationCore:
    return AutomationCore(
        name=name,
        description="A run without heartbeats has lost its process: its hosts are free again.",
        trigger=EventTrigger(
            after=_events(*signs_of_life),
            expect=_events(*signs_of_life, *_NO_PROCESS),
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={
                "prefect.resource.role": "flow",
                "prefect.resource.name": list(flows),
            },
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=SILENT_AFTER_S),
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                state=StateType.CRASHED,
                force=False,
                message="its process sends no more heartbeats; retry it to resume where it stopped",
            )
        ],
    )


def _events(*names: str) -> set[str]:
    return {f"prefect.flow-run.{name}" for name in names}
