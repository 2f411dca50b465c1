"""The flow `measure`: one environment's plan, slot by slot, on hosts that it holds throughout."""

import re
from pathlib import Path

from prefect import flow
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from tasks.model.errors import OverheadError
from tasks.plan import duration_s
from tasks.run_case import hold_hosts, run_case

from .progress import Place, progress


@flow(name="measure", flow_run_name="{environment} · {run}", validate_parameters=False)
async def measure(
    folder: Path,
    environment: str,
    run: str,
    min_free_mib: int = 512,
    keep_on_hosts: bool = False,
) -> str:
    """Measures what is left of the plan in `folder`.

    Returns why it ended early; empty where every cell has its outcome. Raises HostsBusy, and
    RemoteError or InputErrors for hosts that cannot be measured on, before anything is started.
    """
    key = re.sub(r"[^a-z0-9]+", "-", f"progress-{environment}".lower())
    bar = await acreate_progress_artifact(0.0, key=key, description=f"{environment} · {run}")
    async with hold_hosts(
        folder, run, min_free_mib=min_free_mib, keep_on_hosts=keep_on_hosts
    ) as campaign:
        campaign.listeners.append(progress().ended)
        slots, total = campaign.left(), len(campaign.site.plan.slots)
        for number, slot in enumerate(slots):
            done = total - len(slots) + number
            case = campaign.site.plan.case(slot.case_id, slot.layer)
            place = Place(
                environment, slot, case, done, total, duration_s(campaign.site.plan, slots[number:])
            )
            progress().begins(place)
            name = f"{environment} · iteration {slot.iteration} · {case.name}"
            state = await run_case(str(folder), slot, name, return_state=True)  # type: ignore[misc]
            error = None if state.is_completed() else await state.aresult(raise_on_failure=False)
            if isinstance(error, OverheadError):  # no more cells on these hosts
                campaign.skip(slots[number:], str(error))
                return str(error)
            await aupdate_progress_artifact(bar, progress=100.0 * (done + 1) / total)
    return ""
