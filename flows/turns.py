"""Whose turn it is on a set of hosts: the server's limits advise, the lock on the host decides.

The limits keep a waiting run from so much as logging in on hosts where another one is measuring.
They reach as far as one Prefect server; a shell without a server goes to the hosts at once.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from httpx import HTTPStatusError, codes
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError, concurrency
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Running

from tasks.model.errors import HostsBusy
from tasks.run_case import Campaign, hold_hosts, occupied

from .form import WhenBusy
from .progress import progress

LEASE_S = 60.0
_LOOK_AGAIN_S = 15.0


@asynccontextmanager
async def turn(
    folder: Path, run: str, when_busy: WhenBusy, until: datetime | None, *,
    min_free_mib: int, keep_on_hosts: bool,
) -> AsyncIterator[Campaign]:  # fmt: skip
    """`hold_hosts` when it is this run's turn.

    Raises what it raises; HostsBusy to refuse, or when `until` has come.
    """
    names = [f"host {name}" for name in occupied(folder)] if PREFECT_API_URL.value() else []
    waited = False
    async with AsyncExitStack() as held:
        while True:
            try:
                await _take(held, names)
                campaign = await held.enter_async_context(
                    hold_hosts(folder, run, min_free_mib=min_free_mib, keep_on_hosts=keep_on_hosts)
                )
                break
            except HostsBusy as busy:
                await held.aclose()
                if when_busy is WhenBusy.REFUSE or (until and datetime.now(UTC) > until):
                    raise
                if not waited:
                    await _show(Running(name="Waiting", message=f"waiting: {busy}"))
                    progress().said(f"waiting: {busy}")
                waited = True
            await asyncio.sleep(_LOOK_AGAIN_S)
        if waited:
            await _show(Running())
        yield campaign


async def _take(held: AsyncExitStack, names: Sequence[str]) -> None:
    """A slot of every limit, for as long as `held` is open. Raises HostsBusy."""
    if not names:
        return
    async with get_client() as client:
        for name in names:
            await client.upsert_global_concurrency_limit_by_name(name, 1)
    try:
        await held.enter_async_context(
            concurrency(
                list(names),
                max_retries=0,  # the server's answer decides, however long it takes
                lease_duration=LEASE_S,
                strict=True,
                raise_on_lease_renewal_failure=False,  # a server's outage ends no measurement
            )
        )
    except ConcurrencySlotAcquisitionError as error:
        cause = error.__cause__
        if isinstance(cause, HTTPStatusError) and cause.response.status_code == codes.LOCKED:
            raise HostsBusy(", ".join(names), "another run of this Prefect server") from None
        raise


async def _show(state: Running) -> None:  # type: ignore[valid-type]
    """Makes the state of this flow run tell what it is doing."""
    if flow_run.id:
        async with get_client() as client:
            await client.set_flow_run_state(flow_run.id, state, force=True)
