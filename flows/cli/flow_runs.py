"""How a command runs a flow, and how Ctrl-C, SIGTERM and SIGHUP end it."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a command: from a terminal, a supervisor, and a terminal that went away."""

SIGNALLED = 128
"""Plus the signal's number: the exit code."""

_CLEANED_UP_S = 20.0


class Interrupted(SystemExit):
    """One of the signals came. `unfinished`: the clean-up still runs and is left as it is."""

    def __init__(self, number: int, *, unfinished: bool = False) -> None:
        super().__init__(SIGNALLED + number)
        self.unfinished = unfinished


@contextmanager
def on_ending_signals(
    handle: Callable[[int], None], numbers: Sequence[signal.Signals] = ENDING
) -> Iterator[None]:
    """Calls `handle` with each of the signals, except those that this process is to ignore."""

    def handler(number: int, _frame: FrameType | None) -> None:
        handle(number)

    before = {number: signal.getsignal(number) for number in numbers}
    heeded = [number for number in numbers if before[number] is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def raise_interrupted(number: int) -> None:
    raise Interrupted(number)


def run_flow(flow_run: Coroutine[Any, Any, T]) -> T:
    """What the flow returns. The main thread calls it.

    The first signal cancels the flow, which cleans up; a second one, or a clean-up that takes too
    long, leaves it. Raises Interrupted, and InputError for a Prefect server that does not fit.
    """
    try:
        if api := os.environ.get("PREFECT_API_URL"):
            from flows.server.deploy import check_server

            check_server(api)
        else:
            from flows.server.own_server import start_own_server

            start_own_server()
    except BaseException:
        flow_run.close()
        raise
    return _interruptible(flow_run)


def _interruptible(flow_run: Coroutine[Any, Any, T]) -> T:
    """Runs it in a thread of its own: in the main thread, Prefect would handle SIGTERM itself, by
    an exception in whatever runs at that moment."""
    outcome: Future[T] = Future()
    cancel: Future[Callable[[], object]] = Future()

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        cancel.set_result(lambda: loop.call_soon_threadsafe(task.cancel))
        return await flow_run

    def run() -> None:
        try:
            outcome.set_result(asyncio.run(cancellable()))
        except BaseException as error:
            outcome.set_exception(error)

    came: list[tuple[int, float]] = []  # signal, time

    def handle(number: int) -> None:
        if came:
            raise Interrupted(number, unfinished=True)
        came.append((number, time.monotonic()))
        cancel.result()()

    threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()
    cancel.result()
    with on_ending_signals(handle):
        while not outcome.done():
            if came and time.monotonic() > came[0][1] + _CLEANED_UP_S:
                raise Interrupted(came[0][0], unfinished=True)
            _wait(outcome, 0.5)
    if came and outcome.exception() is not None:
        raise Interrupted(came[0][0]) from outcome.exception()
    return outcome.result()


def _wait(outcome: Future[T], seconds: float) -> None:
    done = threading.Event()
    outcome.add_done_callback(lambda _: done.set())
    done.wait(seconds)
