"""Turns an argument list into a line of POSIX shell. No other module builds shell commands."""

import shlex
from collections.abc import Mapping, Sequence


def command_line(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    stdout: str | None = None,
    stderr: str | None = None,
) -> str:
    """One shell line that runs exactly `argv`, whatever characters it contains.

    stdout, stderr: files that are appended to. Raises ValueError for an empty command and for NUL.
    """
    if not argv:
        raise ValueError("the command is empty")
    words = ["env", *(f"{key}={value}" for key, value in env.items())] if env else []
    words += argv
    for word in (*words, cwd or "", stdout or "", stderr or ""):
        if "\0" in word:
            raise ValueError(f"a command cannot hold NUL: {word!r}")
    line = "exec " + shlex.join(words)
    if stdout is not None:
        line += f" >>{shlex.quote(stdout)}"
    if stderr is not None:
        line += f" 2>>{shlex.quote(stderr)}"
    return f"cd {shlex.quote(cwd)} && {line}" if cwd is not None else line
