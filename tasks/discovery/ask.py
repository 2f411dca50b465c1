"""The seam between discovery and hosts: something that answers a command."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ..model.environment import Node


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host said. Times are epoch seconds on our clock."""

    status: int | None  # None: the command ended without one
    stdout: str
    stderr: str
    sent_at: float
    received_at: float


Ask = Callable[[Node, Sequence[str]], Awaitable[Answer]]
"""Runs an argument list on a node. Raises RemoteError where the node cannot be asked."""
