"""The terminal: where commands print, and how they start a flow."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from rich.console import Console

from tasks.model.errors import OverheadError

_WIDTH = None if sys.stdout.isatty() else 160  # a file or a pipe has no width of its own
out, err = Console(highlight=False, width=_WIDTH), Console(stderr=True, highlight=False)
T = TypeVar("T")

INTERRUPTED = 130
SOME_INVALID = 1


def run_flow(flow_run: Coroutine[Any, Any, T]) -> T:
    if api := os.environ.get("PREFECT_API_URL"):
        from flows.server.deploy import check_server

        try:
            check_server(api)
        except OverheadError:
            flow_run.close()
            raise
    return asyncio.run(flow_run)
