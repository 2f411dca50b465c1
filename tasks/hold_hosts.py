"""The task `hold_hosts`: an environment's hosts, reserved and prepared, as a measuring session."""

import getpass
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .execution.attach import unattachable
from .execution.prepare_hosts import load_limit, prepare_hosts, wait_until_quiet
from .execution.session import Session
from .execution.site import Site
from .execution.steps import Steps
from .model.facts import fingerprint
from .model.full import environment_of
from .planning.remaining import resumed
from .remote.held_host import holding
from .storage.run_folder import RunFolder


@asynccontextmanager
async def hold_hosts(
    folder: RunFolder, *, min_free_mib: int, keep_on_hosts: bool
) -> AsyncIterator[Session]:
    """The session that measures the remaining slots of the plan in `folder`.

    Raises HostsBusy, RemoteError, and InputErrors for what the hosts lack, before anything starts.
    """
    planned = folder.plan()
    plan = resumed(planned, folder.outcomes(), time.time())
    if plan is not planned:
        folder.write_plan(plan)
    environment, run = environment_of(folder.full()), folder.environment.run
    layers = {slot.layer for slot in plan.slots}
    nodes = {n.name: n for layer in layers for n in environment.pairs[layer].nodes}
    holder = f"{getpass.getuser()}@{socket.gethostname()}, run {run}"
    async with holding(
        nodes.values(), environment.ssh, run, holder, sudo=environment.use_sudo
    ) as hosts:
        await prepare_hosts(environment, plan, hosts, min_free_mib)
        max_load = load_limit(plan, environment, nodes)
        load_before = await wait_until_quiet(hosts.values(), max_load)

        async def reconnect() -> None:
            for host in hosts.values():
                await host.revive()

        site = Site(
            environment=environment,
            plan=plan,
            run=run,
            folder=folder,
            shells=hosts,
            steps=Steps(plan.hooks, folder.add_step),
            epoch=fingerprint((environment.facts[name] for name in nodes), environment.clock),
            load_before=load_before,
            max_load=max_load,
            keep_on_hosts=keep_on_hosts,
            unattachable=await unattachable(environment, plan, hosts),
        )
        session = Session(site, reconnect)
        async with session.hooked():
            yield session
