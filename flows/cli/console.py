"""The terminal: where commands print, how they start a flow, error lines and exit codes."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape

_WIDTH = None if sys.stdout.isatty() else 160  # a file or a pipe has no width of its own
out, err = Console(highlight=False, width=_WIDTH), Console(stderr=True, highlight=False)
T = TypeVar("T")

INTERRUPTED = 130
SOME_INVALID = 1


def use_standard_error() -> None:
    """Standard output is for a document that another program reads."""
    out.file = sys.stderr


def run_flow(flow_run: Coroutine[Any, Any, T]) -> T:
    """What the flow returns. Raises InputError for a Prefect server that does not fit."""
    try:
        if api := os.environ.get("PREFECT_API_URL"):
            from flows.server.deploy import check_server

            check_server(api)
        else:
            _start_server()
        return asyncio.run(flow_run)
    finally:
        flow_run.close()


def _start_server() -> None:
    """Starts the server that Prefect uses without an address, so that it ignores Ctrl-C.

    A terminal sends Ctrl-C to the server too; it would end at once, and the run would wait for it
    to store its last states.
    """
    from prefect.client.orchestration import get_client

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the server inherits it
    try:
        get_client(sync_client=True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def print_errors(lines: Iterable[str]) -> None:
    for line in lines:
        err.print(f"[red]error[/]: {escape(line)}", soft_wrap=True)
