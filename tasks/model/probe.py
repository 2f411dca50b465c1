"""The answer of a probe, which discovery gets from a host or from a recording."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from .environment import Node


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """A command's answer. Times are epoch seconds on this machine's clock."""

    status: int | None  # None: the command ended without one
    stdout: str
    stderr: str
    sent_at: float
    received_at: float

    @property
    def round_trip_s(self) -> float:
        return self.received_at - self.sent_at


ProbeRunner = Callable[[Node, Sequence[str]], Awaitable[ProbeAnswer]]
"""Runs an argument list on a node. Raises RemoteError where the node cannot be reached."""
