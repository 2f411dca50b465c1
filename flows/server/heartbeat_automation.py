"""The automations that find runs whose process is gone: killed, or lost with its machine.

A run's process sends heartbeats (deployments/prefect.env says how often). After any sign of life
the server expects another one, or the run's end; where none comes, the run has crashed. What the
server waits for lies in its database, so that it also finds runs that died together with it.
"""

from collections.abc import Sequence
from datetime import timedelta

from prefect.automations import AutomationCore, ChangeFlowRunState, EventTrigger, Posture
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType

SILENT_AFTER_S = 180
"""Three heartbeats; a process needs less to start, from Pending to its first one."""

_HEARTBEAT = "heartbeat"
_LIVES = ("Pending", "Running", "Retrying", "Rerunning", _HEARTBEAT)
_RESTS = (
    "Completed", "Failed", "Crashed", "Cancelled", "Paused", "Suspended", "Scheduled",
    "AwaitingRetry", "AwaitingConcurrencySlot",
)  # fmt: skip

WATCHED = {
    "dead runs of ebpf-overhead": (("campaign", "nightly", "analysis", "lab-demo"), _LIVES),
    "dead parts of ebpf-overhead runs": (("measure", "iteration"), (_HEARTBEAT,)),
}
"""Automation -> flows, and their signs of life. Only these flows: what else a server runs may send
heartbeats more rarely. A part begins in a process that lives, and sends its first heartbeat at
once; every sign that the server waits after is written down by it, which with 64 environments is
most of what it writes."""


async def watch_heartbeats(client: PrefectClient) -> None:
    """Registers the automations where they are not there or others."""
    for name, (flows, lives) in WATCHED.items():
        wanted = _automation(name, flows, lives)
        known = await client.read_automations_by_name(name)
        if not known:
            await client.create_automation(wanted)
        elif not _same(known[0], wanted):  # an update forgets the runs that it waits for
            await client.update_automation(known[0].id, wanted)


def _automation(name: str, flows: Sequence[str], lives: Sequence[str]) -> AutomationCore:
    return AutomationCore(
        name=name,
        description="A run without heartbeats has lost its process: its hosts are free again.",
        trigger=EventTrigger(
            after=_events(*lives),
            expect=_events(*lives, *_RESTS),
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
                message="no sign of life from its process; retry to go on where it stopped",
            )
        ],
    )


def _events(*names: str) -> set[str]:
    return {f"prefect.flow-run.{name}" for name in names}


def _same(known: AutomationCore, wanted: AutomationCore) -> bool:
    parts = {"description", "enabled", "trigger", "actions"}
    return known.model_dump(include=parts) == wanted.model_dump(include=parts)
