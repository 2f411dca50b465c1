"""The command `ebpf-overhead`: its commands together, and what an error becomes.

Commands import what they need when they run, so that `--help` answers at once.
"""

import asyncio
import os
import sys

import typer
from rich.markup import escape

from tasks.model.errors import OverheadError

from .commands import lab, prepare, results, run, server
from .console import INTERRUPTED, err

app = typer.Typer(
    help="What does an eBPF tool cost the traffic and the host it watches, and may it run in "
    "production?",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _commands in (prepare, run, results, server):
    app.add_typer(_commands.app)
app.add_typer(lab.app, name="lab")


def main() -> None:
    """Entry point: every error of ours is one line a mistake, and an exit code."""
    for key, value in _PREFECT.items():
        os.environ.setdefault(key, value)
    try:
        app()
    except OverheadError as error:
        for line in str(error).splitlines():
            err.print(f"[red]error[/]: {escape(line)}", soft_wrap=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, asyncio.CancelledError):
        err.print("interrupted; finished cells are kept, what still runs on hosts ends within 10 s")
        sys.exit(INTERRUPTED)


_PREFECT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "60",
    "PREFECT_CLIENT_MAX_RETRIES": "9",
}
"""From a shell our own progress is shown; Prefect's log stays in its server. That hears of a run as
often as dead_runs expects, and a run waits for it for a quarter of an hour."""
