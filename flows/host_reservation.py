"""Host reservation: first a concurrency limit of the Prefect server for each host, then the lock on
each host, which decides.

Because of the limits, a waiting run does not even log in to hosts on which another run measures.
They only work within one Prefect server; without a server, the locks alone apply.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from httpx import HTTPStatusError, codes
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError, concurrency
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Running

from tasks.hold_hosts import hold_hosts
from tasks.lay_out_run import RunFolder
from tasks.model.errors import HostsBusy
from tasks.model.settings import Measurement
from tasks.run_case import Session

from .form import WhenBusy
from .progress import progress

LEASE_S = 60.0
_RETRY_S = 15.0


@asynccontextmanager
async def reserved_hosts(
    folder: RunFolder, settings: Measurement, when_busy: WhenBusy, until: datetime | None
) -> AsyncIterator[Session]:
    """`hold_hosts`, as soon as the hosts are free.

    Raises the errors of `hold_hosts`; HostsBusy if `when_busy` is REFUSE or `until` has passed.
    """
    limits = [f"host {name}" for name in folder.occupied] if PREFECT_API_URL.value() else []
    waited = False
    async with AsyncExitStack() as held:
        while True:
            try:
                await _acquire(held, limits)
                session = await held.enter_async_context(
                    hold_hosts(
                        folder,
                        min_free_mib=settings.min_free_mib,
                        keep_on_hosts=settings.keep_on_hosts,
                    )
                )
                break
            except HostsBusy as busy:
                await held.aclose()
                if when_busy is WhenBusy.REFUSE or (until and datetime.now(UTC) > until):
                    raise
                if not waited:
                    await _set_state(Running(name="Waiting", message=f"waiting: {busy}"))
                    progress().notify(f"waiting: {busy}")
                waited = True
            await asyncio.sleep(_RETRY_S)
        if waited:
            await _set_state(Running())
        yield session


async def _acquire(held: AsyncExitStack, limits: Sequence[str]) -> None:
    """Acquires a concurrency slot of every limit until `held` is closed. Raises HostsBusy."""
    if not limits:
        return
    async with get_client() as client:
        for name in limits:
            await client.upsert_global_concurrency_limit_by_name(name, 1)
    try:
        await held.enter_async_context(
            concurrency(
                list(limits),
                max_retries=0,  # the server's answer decides, however long it takes
                lease_duration=LEASE_S,
                strict=True,
                raise_on_lease_renewal_failure=False,  # a server outage must not end a measurement
            )
        )
    except ConcurrencySlotAcquisitionError as error:
        cause = error.__cause__
        if isinstance(cause, HTTPStatusError) and cause.response.status_code == codes.LOCKED:
            raise HostsBusy(", ".join(limits), "another run of this Prefect server") from None
        raise


async def _set_state(state: Running) -> None:  # type: ignore[valid-type]
    """Sets the state that the UI shows for this flow run."""
    if flow_run.id:
        async with get_client() as client:
            await client.set_flow_run_state(flow_run.id, state, force=True)
