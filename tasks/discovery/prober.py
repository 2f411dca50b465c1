"""Probes on a node: the seam between discovery and hosts."""

import asyncio
from dataclasses import dataclass

from ..model.environment import Node
from ..model.errors import InputError
from ..model.probe import ProbeAnswer, ProbeRunner
from .preflight import place
from .probes import Probe


@dataclass(frozen=True, slots=True)
class Prober:
    """Runs probes on one node; the semaphore limits how many run at once."""

    node: Node
    runner: ProbeRunner
    limit: asyncio.Semaphore

    async def answer(self, probe: Probe) -> ProbeAnswer:
        async with self.limit:
            return await self.runner(self.node, probe.argv(self.node))

    async def text(self, probe: Probe) -> str:
        """What the probe printed. Raises InputError, which names the host, where it failed."""
        answer = await self.answer(probe)
        if answer.status == 0:
            return answer.stdout
        problem = answer.stderr.strip().splitlines()[-1:] or [f"status {answer.status}"]
        expected = "root, or sudo without a password" if probe.root else ""
        raise InputError(place(self.node), probe.name, problem[0], expected)
