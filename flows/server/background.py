"""Programs that outlive the command that starts them, known by pid *and* start time.

A pid alone names whoever has that number now; nothing that was not started here is signalled.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """A recorded process; `started` in clock ticks since the machine's start."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        return _started(self.pid) == self.started


def _started(pid: int) -> int | None:
    """None where no process, or only a dead child's entry, has that pid."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if fields[0] == "Z" else int(fields[19])


def recorded(folder: Path, name: str) -> Program | None:
    """The program of that name, if it still runs."""
    file = folder / f"{name}.json"
    if not file.exists():
        return None
    program = Program(**json.loads(file.read_text(encoding="utf-8")))
    return program if program.alive else None


def start(
    folder: Path, name: str, argv: Sequence[str], environment: Mapping[str, str], cwd: Path
) -> Program:
    """Starts it in a session of its own; its output goes to `{name}.log`."""
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment), cwd=cwd,
            start_new_session=True, preexec_fn=_hear_signals,
        )  # fmt: skip
    started = _started(process.pid)
    program = Program(process.pid, started if started is not None else -1)
    part = folder / f".{name}.part"
    part.write_text(json.dumps(asdict(program)), encoding="utf-8")
    part.replace(folder / f"{name}.json")
    return program


def _hear_signals() -> None:
    """What a script starts with `&` ignores them, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def stop(folder: Path, name: str, grace_s: float = 20.0) -> bool:
    """Asks it to end, and makes it after the grace; whether it ran."""
    program = recorded(folder, name)
    if program is not None:
        os.kill(program.pid, signal.SIGTERM)
        until = time.monotonic() + grace_s
        while program.alive and time.monotonic() < until:
            time.sleep(0.1)
        if program.alive:
            os.killpg(program.pid, signal.SIGKILL)
    (folder / f"{name}.json").unlink(missing_ok=True)
    return program is not None
