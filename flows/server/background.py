"""Processes that outlive the command that starts them, known by pid *and* start time.

A pid alone names whoever has that number now; nothing that was not started here is signalled.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def _started(process: psutil.Process) -> int:
    """Its start in clock ticks since boot, which setting the machine's clock does not move."""
    since_boot_s: float = process.create_time() - psutil.boot_time()
    return round(since_boot_s * _TICKS_PER_S)


def running(folder: Path, name: str) -> psutil.Process | None:
    """The process that was started by that name, if it still runs."""
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        process = psutil.Process(record["pid"])
        same = _started(process) == record["started"]
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    return None


def start(
    folder: Path, name: str, argv: Sequence[str], environment: Mapping[str, str], cwd: Path
) -> None:
    """Starts it in a session of its own and records it; its output goes to `{name}.log`."""
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment), cwd=cwd,
            start_new_session=True, preexec_fn=_obey_signals,
        )  # fmt: skip
    part = folder / f".{name}.part"
    record = {"pid": process.pid, "started": _started(psutil.Process(process.pid))}
    part.write_text(json.dumps(record), encoding="utf-8")
    part.replace(folder / f"{name}.json")


def _obey_signals() -> None:
    """A script's `command &` ignores them, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def stop(folder: Path, name: str, grace_s: float = 20.0) -> bool:
    """Terminates it, kills its whole session after the grace time; returns whether it ran."""
    process = running(folder, name)
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
        until = time.monotonic() + grace_s
        while (still := running(folder, name)) and time.monotonic() < until:
            time.sleep(0.1)
        if still:
            os.killpg(process.pid, signal.SIGKILL)
    (folder / f"{name}.json").unlink(missing_ok=True)
    return process is not None
