"""Runs probes on the hosts themselves, over SSH."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from ..model.environment import Node, SshSettings
from ..model.probe import ProbeAnswer, ProbeRunner
from .connection import Connection


@asynccontextmanager
async def probe_over_ssh(ssh: SshSettings) -> AsyncIterator[ProbeRunner]:
    """Runs probes on the hosts themselves, over one connection for each node.

    The connections do not use sudo: a probe that needs root runs sudo itself, so that the others
    also run where there is no sudo.
    """
    async with AsyncExitStack() as stack:
        connections: dict[str, asyncio.Task[Connection]] = {}

        async def connect(node: Node) -> Connection:
            return await stack.enter_async_context(Connection(node, ssh))

        async def run(node: Node, argv: Sequence[str]) -> ProbeAnswer:
            if node.name not in connections:
                connections[node.name] = asyncio.create_task(connect(node))
            connection = await asyncio.shield(connections[node.name])
            sent_at = time.time()
            done = await connection.run(argv, check=False)
            return ProbeAnswer(done.status, done.stdout, done.stderr, sent_at, time.time())

        yield run
