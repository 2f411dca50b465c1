"""Asking one node: so many questions at once, and a failed one told as a mistake of that host."""

import asyncio
from dataclasses import dataclass

from ..model.environment import Node
from ..model.errors import InputError
from .ask import Answer, Ask
from .demands import place
from .probes import Probe


@dataclass(frozen=True, slots=True)
class Asked:
    """One node, and how to ask it."""

    node: Node
    ask: Ask
    gate: asyncio.Semaphore

    async def answer(self, probe: Probe) -> Answer:
        async with self.gate:
            return await self.ask(self.node, probe.argv(self.node))

    async def text(self, probe: Probe) -> str:
        """What the probe printed. Raises InputError where it failed."""
        answer = await self.answer(probe)
        if answer.status == 0:
            return answer.stdout
        told = answer.stderr.strip().splitlines()[-1:] or [f"status {answer.status}"]
        expected = "root, or sudo without a password" if probe.root else ""
        raise InputError(place(self.node), probe.name, told[0], expected)
