"""Flow runs that begin one by one: to make a flow run is a dozen requests, and a server on SQLite
answers 503 to requests of many environments in one moment, which are then sent again after seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

_SETTLED_S = 0.05
"""Until the server has written down the first events of a run. Without it, one run in two was
answered 503; with three times as much, as few as with this."""
_PATIENCE_S = 2.5
"""A run that was answered 503 all the same waits for seconds; the others do not wait for it."""
T = TypeVar("T")
_GATE: ContextVar[asyncio.Lock | None] = ContextVar("gate")
_LEAVE: ContextVar[Callable[[], None]] = ContextVar("leave")


@contextmanager
def one_by_one() -> Iterator[None]:
    """The flows that `begin` starts in the body wait for each other's beginnings."""
    token = _GATE.set(asyncio.Lock())
    try:
        yield
    finally:
        _GATE.reset(token)


async def begin(flow_run: Callable[[], Awaitable[T]]) -> T:
    """What `flow_run` returns; the next one may begin once this one calls `begun`, is over, or has
    taken too long to begin."""
    gate, loop = _GATE.get(None) or asyncio.Lock(), asyncio.get_running_loop()
    await gate.acquire()
    inside = True

    def leave() -> None:
        nonlocal inside
        if inside:
            inside = False
            loop.call_later(_SETTLED_S, gate.release)

    loop.call_later(_PATIENCE_S, leave)
    token = _LEAVE.set(leave)
    try:
        return await flow_run()
    finally:
        leave()
        _LEAVE.reset(token)


def begun() -> None:
    """Says in a flow that its run is made; saying it again says nothing."""
    _LEAVE.get(lambda: None)()
