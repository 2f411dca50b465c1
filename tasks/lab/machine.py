"""The machine the lab lies on: commands run here, and processes that outlive us, by pid and start.

A pid alone names whoever has that number now. A recorded process is one whose pid *and* start time
still agree; nothing else is ever signalled.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model.errors import CommandFailed

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
    # `pid` itself is unshare, which stands outside of the pid namespace that it made.
    pid_namespace = f"--pid=/proc/{pid}/ns/pid_for_children"
    return run(*enter, pid_namespace, "--", *argv, timeout_s=timeout_s)


def wait_until(
    ready: Callable[[], bool], within_s: float, what: str, log: Path, alive: Callable[[], bool]
) -> None:
    """Returns once `ready()`; raises CommandFailed with the tail of `log` when that takes longer
    than `within_s`, or what it depends on is not `alive()` any more."""
    deadline = time.monotonic() + within_s
    while not ready():
        late = time.monotonic() > deadline
        if late or not alive():
            tail = log.read_text(errors="replace") if log.exists() else ""
            reason = f"not after {within_s:g} s" if late else "never: it has ended"
            raise CommandFailed(HERE, f"{what}: {reason}", stderr=tail)
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine, told from a later one with the same pid by its start time."""

    pid: int
    start_ticks: int  # since boot, field 22 of /proc/PID/stat

    @property
    def alive(self) -> bool:
        stat = _stat(self.pid)
        return stat is not None and stat.start_ticks == self.start_ticks and stat.state != "Z"

    def children(self) -> tuple["Process", ...]:
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        stats = [(pid, _stat(pid)) for pid in pids]
        return tuple(
            Process(pid, stat.start_ticks) for pid, stat in stats if stat and stat.ppid == self.pid
        )

    def end(self, within_s: float = 10.0) -> None:
        """SIGKILL, and wait until it is gone. Raises CommandFailed when it is not."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not self.alive:  # looked at after the handle: the pid cannot change hands any more
                return
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            if not select.select([handle], [], [], within_s)[0]:
                raise CommandFailed(HERE, f"process {self.pid} does not end")
        finally:
            os.close(handle)


def start_recorded(record: Path, log: Path, argv: Sequence[str]) -> None:
    """Starts `argv` apart from us: own session, no terminal, output to the end of `log`.

    It writes its own /proc stat line to `record` before it becomes `argv`, so there is no moment in
    which it runs and is not recorded, whatever happens to us.
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


def recorded(record: Path) -> Process | None:
    """The process that `start_recorded` wrote down; None before it did. It may have ended since."""
    if not record.exists() or not (line := record.read_text()):
        return None
    return Process(int(line.split(maxsplit=1)[0]), _parse_stat(line).start_ticks)


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    ppid: int
    start_ticks: int


def _stat(pid: int) -> _Stat | None:
    try:
        return _parse_stat(Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None


def _parse_stat(line: str) -> _Stat:
    """proc(5); the program's name in parentheses may itself hold spaces and parentheses."""
    fields = line.rpartition(")")[2].split()
    return _Stat(state=fields[0], ppid=int(fields[1]), start_ticks=int(fields[19]))
