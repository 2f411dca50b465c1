"""The command `ebpf-overhead`: its commands together, and what an error becomes.

Commands import what they need when they run, so that `--help` answers at once.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from flows.server.prefect_settings import shell_settings
from tasks.model.errors import InputError, OverheadError

from .commands import lab, prepare, results, run, server
from .console import INTERRUPTED, err, out, print_errors
from .flow_runs import SIGNALLED, Interrupted, on_ending_signals, raise_interrupted
from .project import enter_project
from .settings_options import input_error_lines, usage_error_line

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


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    import platform
    from importlib.metadata import version

    from flows.version import commit

    known = f"commit {commit()}" if commit() else None
    python, prefect = platform.python_version(), version("prefect")
    parts = [version("ebpf-overhead"), known, f"Python {python}", f"Prefect {prefect}"]
    out.print("ebpf-overhead", ", ".join(part for part in parts if part))
    raise typer.Exit


@app.callback(epilog="Example: `ebpf-overhead --project ~/bench run --config-dir my-lab`")
def _options(
    project: Annotated[
        Path | None,
        typer.Option("--project", "-C", help="Project folder: all relative paths start there. "
                                             "Default: the current folder."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True,
                           help="Show the versions of the program, Python and Prefect."),
    ] = False,
) -> None:  # fmt: skip
    if project is not None:
        enter_project(project)


def main() -> None:
    """Entry point: every error of ours is one line a mistake, and an exit code."""
    for key, value in shell_settings().items():
        os.environ.setdefault(key, value)
    unfinished = False
    try:
        with on_ending_signals(raise_interrupted, (signal.SIGTERM, signal.SIGHUP)):
            code = app(prog_name="ebpf-overhead", standalone_mode=False) or 0
    except InputError as error:
        print_errors(input_error_lines(error))
        code = error.exit_code
    except OverheadError as error:
        print_errors(str(error).splitlines())
        code = error.exit_code
    except TyperException as error:
        print_errors(usage_error_line(error).splitlines())
        code = error.exit_code
    except Interrupted as error:
        code, unfinished = error.code, error.unfinished
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = INTERRUPTED
    if code >= SIGNALLED:
        err.print(
            "interrupted: finished cells are kept; what still runs on the hosts ends within 10 s",
            soft_wrap=True,
        )
    if unfinished:  # its threads would be waited for
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
