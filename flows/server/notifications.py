"""The automations that send a message through a notification block of the server (Slack, e-mail,
webhook …): when a campaign or a night fails, and when a cost exceeds its budget."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from prefect.automations import AutomationCore, EventTrigger, Posture, SendNotification
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from tasks.model.errors import InputError

from ..budget import BUDGET_EXCEEDED
from .automations import register

_RUN = "{{ flow.name }} · {{ flow_run.name }}"
_PAGE = "{{ flow_run|ui_url }}"

MESSAGES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "ebpf-overhead: a campaign failed": (
        ("prefect.flow-run.Failed", "prefect.flow-run.Crashed", "prefect.flow-run.TimedOut"),
        ("campaign", "nightly"),
        f"{_RUN}: {{{{ flow_run.state.name }}}}: {{{{ flow_run.state.message }}}}\n{_PAGE}",
    ),
    "ebpf-overhead: a budget is exceeded": (
        (BUDGET_EXCEEDED,),
        ("analysis",),
        f"{_RUN}\n{{{{ event.payload.text }}}}\n{_PAGE}",
    ),
}
"""Name of the automation, which is the message's subject -> its events, flows, and its body."""


async def notify_through(client: PrefectClient, block: str) -> None:
    """Registers the automations, or points them to another block.

    block: TYPE/NAME of a notification block, e.g. slack-webhook/ops. Raises InputError.
    """
    kind, _, name = block.partition("/")
    try:
        document = await client.read_block_document_by_name(name or "-", kind)
    except ObjectNotFound:
        expected = "TYPE/NAME of a notification block, e.g. slack-webhook/ops (UI page Blocks)"
        raise InputError("--notify", block, "no such block on the server", expected) from None
    for title in MESSAGES:
        await register(client, _automation(title, document.id))


def _automation(title: str, block: UUID) -> AutomationCore:
    events, flows, body = MESSAGES[title]
    return AutomationCore(
        name=title,
        trigger=EventTrigger(
            expect=set(events),
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={
                "prefect.resource.role": "flow",
                "prefect.resource.name": list(flows),
            },
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[SendNotification(block_document_id=block, subject=title, body=body)],
    )
