"""The machine that carries the lab: commands run here, and processes that outlive this program.

A pid alone may by now belong to another process. A recorded process is one whose pid *and* start
time still agree; nothing else is ever signalled.
"""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from ..model.errors import CommandFailed
from ..programs.proc import parse_process

HERE = "this machine"


# Administrators' folders are not on the PATH of every shell, root's included.
PATH = os.pathsep.join(
    ("/usr/local/sbin", "/usr/sbin", "/sbin", os.environ.get("PATH", os.defpath))
)
_ENVIRONMENT = {**os.environ, "PATH": PATH, "LC_ALL": "C"}


def run(*argv: str, timeout_s: float = 30.0, cwd: Path | None = None) -> str:
    """Standard output of a command that must succeed. Raises CommandFailed."""
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
        cwd=cwd,
        env=_ENVIRONMENT,
    )
    if done.returncode:
        raise CommandFailed(
            HERE,
            f"{argv[0]} failed",
            command=" ".join(argv),
            status=done.returncode,
            stderr=done.stderr,
        )
    return done.stdout


def run_inside(pid: int, *argv: str, timeout_s: float = 30.0) -> str:
    """`run` on the lab host whose namespaces the process `pid` holds."""
    enter = ["nsenter", f"--target={pid}", "--net", "--mount", "--uts"]
    # `pid` is unshare's, which itself is outside the pid namespace that it made.
    pid_namespace = f"--pid=/proc/{pid}/ns/pid_for_children"
    return run(*enter, pid_namespace, "--", *argv, timeout_s=timeout_s)


def wait_until(
    ready: Callable[[], bool], within_s: float, what: str, log: Path, alive: Callable[[], bool]
) -> None:
    """Returns once `ready()`.

    Raises CommandFailed with the tail of `log` after `within_s`, or once what it waits for is no
    longer `alive()`.
    """
    deadline = time.monotonic() + within_s
    while not ready():
        late = time.monotonic() > deadline
        if late or not alive():
            tail = log.read_text(errors="replace") if log.exists() else ""
            reason = f"not after {within_s:g} s" if late else "never: it has ended"
            raise CommandFailed(HERE, f"{what}: {reason}", stderr=tail)
        time.sleep(0.02)


def start_recorded(record: Path, log: Path, argv: Sequence[str]) -> None:
    """Starts `argv` in a session of its own; returns once `record` holds it. Raises CommandFailed.

    It has no terminal and its output is appended to `log`. It writes its own /proc stat line to
    `record` before it becomes `argv`, so it never runs unrecorded, whatever happens to us.
    """
    script = 'cat /proc/$$/stat >"$0" && exec "$@"'
    with log.open("a") as output:
        subprocess.run(
            ["setsid", "--fork", "sh", "-c", script, str(record), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=True,
            env=_ENVIRONMENT,
        )
    wait_until(
        lambda: record.exists() and record.stat().st_size > 0,
        10.0,
        f"{argv[0]} starts",
        log,
        alive=lambda: True,
    )


def recorded(record: Path) -> psutil.Process | None:
    """The process that `start_recorded` wrote down; None before it did, and once it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
        if line := record.read_text():
            process = psutil.Process(int(line.split(maxsplit=1)[0]))
            stat = Path(f"/proc/{process.pid}/stat").read_text()
            is_same = _start_ticks(stat) == _start_ticks(line)
            return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    return None


def end(process: psutil.Process, within_s: float = 10.0) -> None:
    """SIGKILL, and waits until the process has ended. Raises CommandFailed when it does not."""
    deadline = time.monotonic() + within_s
    with suppress(psutil.NoSuchProcess):
        process.kill()
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                raise CommandFailed(HERE, f"process {process.pid} does not end")
            time.sleep(0.01)


def _start_ticks(stat: str) -> int:
    """The start in clock ticks since boot, which no clock change moves."""
    return parse_process(stat, "/proc/PID/stat").start_ticks
