"""Automations of the project on a server, registered by name."""

from prefect.automations import AutomationCore
from prefect.client.orchestration import PrefectClient


async def register(client: PrefectClient, wanted: AutomationCore) -> None:
    """Creates the automation, or updates one of that name that differs.

    One that is the same is left alone: an update forgets what it waits for.
    """
    known = await client.read_automations_by_name(wanted.name)
    if not known:
        await client.create_automation(wanted)
    elif not _same(known[0], wanted):
        await client.update_automation(known[0].id, wanted)


def _same(known: AutomationCore, wanted: AutomationCore) -> bool:
    parts = {"description", "enabled", "trigger", "actions"}
    return known.model_dump(include=parts) == wanted.model_dump(include=parts)
