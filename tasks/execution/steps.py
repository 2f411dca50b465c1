"""The recorded steps of a session, on four levels, each with an init and a post phase.

    global → tool → case → test

Every step, ours or a user's hook, is recorded: when, where, how long, how it ended.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ..model.plan import Hook
from .shell import Shell

_HOOK_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step that has ended. `status`: done, or the error in one line."""

    level: str
    phase: str
    name: str
    node: str
    started: float  # epoch s
    duration_s: float
    status: str


class Steps:
    """Runs steps and passes each record on to `record`."""

    def __init__(self, hooks: Sequence[Hook], record: Callable[[Step], None]) -> None:
        self._hooks, self._record = tuple(hooks), record

    @asynccontextmanager
    async def step(self, level: str, phase: str, name: str, node: str = "") -> AsyncIterator[None]:
        """Records the body as a step."""
        started, clock = time.time(), time.monotonic()
        status = "done"
        try:
            yield
        except BaseException as error:
            status = str(error) or type(error).__name__
            raise
        finally:
            duration_s = round(time.monotonic() - clock, 4)
            self._record(Step(level, phase, name, node, started, duration_s, status))

    def note(self, level: str, phase: str, name: str, node: str = "") -> None:
        """Records an event as a step without duration."""
        self._record(Step(level, phase, name, node, time.time(), 0.0, "done"))

    async def hooks(self, level: str, phase: str, *sides: Mapping[str, Shell]) -> None:
        """Runs the user's commands of this level and phase, in the order of the plan.

        sides: server, client, tool_host of one or several layers; a host that is on the same side
        of two layers runs a command once. Raises CommandFailed.
        """
        for hook in self._hooks:
            if (hook.level, hook.phase) == (level, phase):
                for shell in {s[hook.on].node.name: s[hook.on] for s in sides}.values():
                    async with self.step(level, phase, " ".join(hook.run), shell.node.name):
                        await shell.run(hook.run, timeout_s=_HOOK_TIMEOUT_S)
