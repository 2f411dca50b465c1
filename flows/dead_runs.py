"""The automation that finds runs whose process is gone: killed, or lost with its machine.

A run's process sends heartbeats (deployments/prefect.env says how often). After any sign of life
the server expects another one, or the run's end; where none comes, the run has crashed. What the
server waits for lies in its database, so that it also finds runs that died together with it.
"""

from datetime import timedelta

from prefect.automations import AutomationCore, ChangeFlowRunState, EventTrigger, Posture
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType

SILENT_AFTER_S = 180
"""Three heartbeats; a process needs less to start, from Pending to its first one."""

_LIVES = ("Pending", "Running", "Retrying", "Rerunning", "heartbeat")
_RESTS = (
    "Completed", "Failed", "Crashed", "Cancelled", "Paused", "Suspended", "Scheduled",
    "AwaitingRetry", "AwaitingConcurrencySlot",
)  # fmt: skip
_FLOWS = ["campaign", "nightly", "analysis", "lab-demo", "measure", "iteration"]
"""Only these: what else a server runs may send heartbeats more rarely."""


async def watch_heartbeats(client: PrefectClient) -> None:
    """Registers the automation where it is not there or another one."""
    wanted = _automation()
    known = await client.read_automations_by_name(wanted.name)
    if not known:
        await client.create_automation(wanted)
    elif not _same(known[0], wanted):  # an update forgets the runs that it waits for
        await client.update_automation(known[0].id, wanted)


def _automation() -> AutomationCore:
    return AutomationCore(
        name="dead runs of ebpf-overhead",
        description="A run without heartbeats has lost its process: its hosts are free again.",
        trigger=EventTrigger(
            after=_events(*_LIVES),
            expect=_events(*_LIVES, *_RESTS),
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={"prefect.resource.role": "flow", "prefect.resource.name": _FLOWS},
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
                message="no sign of life from its process; retry to go on where it stopped",
            )
        ],
    )


def _events(*names: str) -> set[str]:
    return {f"prefect.flow-run.{name}" for name in names}


def _same(known: AutomationCore, wanted: AutomationCore) -> bool:
    parts = {"description", "enabled", "trigger", "actions"}
    return known.model_dump(include=parts) == wanted.model_dump(include=parts)
