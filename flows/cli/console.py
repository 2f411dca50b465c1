"""The terminal: where commands print, error lines and exit codes."""

import os
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

# a file or a pipe has no width of its own
_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
out, err = Console(highlight=False, width=_WIDTH), Console(stderr=True, highlight=False)

INTERRUPTED = 130
SOME_INVALID = 1


def use_standard_error() -> None:
    """Standard output is for a document that another program reads."""
    out.file = sys.stderr


def print_errors(lines: Iterable[str]) -> None:
    for line in lines:
        err.print(f"[red]error[/]: {escape(line)}", soft_wrap=True)
