"""`ebpf-overhead ui`: Prefect's server on SQLite, a worker, the deployments and the reports, all on
this machine."""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling

from tasks.model.errors import InputError

from ..analysis import REPORTS_ROOT, REPORTS_URL
from . import background
from .deploy import deploy
from .prefect_settings import QUIET, shared_settings

POOL = "ebpf-overhead"
PROGRAMS = ("worker", "reports", "server")  # in the order in which they are stopped
_READY_S = 120.0
_CANCELLED_S = 30.0
Notify = Callable[[str], None]


def state_directory() -> Path:
    """The folder of the server's database, the logs and the records of the processes."""
    return Path(os.environ.get("XDG_STATE_HOME", "~/.local/state")).expanduser() / "ebpf-overhead"


def api_address(folder: Path) -> str | None:
    """The API of the server that runs from `folder`; None if none runs."""
    running = background.running(folder, "server")
    return f"http://127.0.0.1:{_ports(folder)['server']}/api" if running else None


def start(folder: Path, port: int, reports: Path, notify: Notify) -> str:
    """Starts what does not run yet, waits until the server is ready, and returns the UI's address.

    Raises InputError for a port that is taken, and what `deploy` raises.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    reports.mkdir(parents=True, exist_ok=True)
    if api_address(folder) is None:
        ports = {"server": _free_port(port), "reports": _free_port()}
        (folder / "ports.json").write_text(json.dumps(ports))
        notify("starting the server (a new database takes 20 s)")
        serve = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
        _start(folder, "server", ["-m", "prefect", *serve], reports)
        _wait_until_ready(folder, port)
    elif all(background.running(folder, name) for name in PROGRAMS):
        notify("runs already")
        return _ui_address(folder)
    for name in deploy(f"{_ui_address(folder)}/api"):
        notify(f"deployment {name}")
    files = [str(_ports(folder)["reports"]), "--bind", "127.0.0.1", "--directory", str(reports)]
    _start(folder, "reports", ["-m", "http.server", *files], reports)
    work = ["worker", "start", "--pool", POOL, "--type", "process", "--name", socket.gethostname()]
    _start(folder, "worker", ["-m", "prefect", *work], reports)
    return _ui_address(folder)


def stop(folder: Path, notify: Notify) -> None:
    """Cancels what is running, so that the hosts are clean, and ends all programs."""
    if api := api_address(folder):
        with temporary_settings({PREFECT_API_URL: api}):
            count = asyncio.run(_cancel_all())
        if count:
            notify(f"cancelled {count} runs; finished cells are kept")
    for name in PROGRAMS:
        if background.stop(folder, name):
            notify(f"stopped the {name}")


def _ports(folder: Path) -> dict[str, int]:
    ports: dict[str, int] = json.loads((folder / "ports.json").read_text())
    return ports


def _ui_address(folder: Path) -> str:
    return f"http://127.0.0.1:{_ports(folder)['server']}"


def _start(folder: Path, name: str, arguments: list[str], reports: Path) -> None:
    """A Python program in the background, unless it runs already."""
    if background.running(folder, name) is not None:
        return
    inherited = {key: value for key, value in os.environ.items() if key not in QUIET}
    here = {
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": f"{_ui_address(folder)}/api",
        REPORTS_URL: f"http://127.0.0.1:{_ports(folder)['reports']}",
        REPORTS_ROOT: str(reports.resolve()),
    }
    environment = inherited | shared_settings() | here
    background.start(folder, name, [sys.executable, *arguments], environment, Path.cwd())


def _wait_until_ready(folder: Path, port: int) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and background.running(folder, "server"):
        with suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=5).is_success:
                return
        time.sleep(0.3)
    background.stop(folder, "server")
    log = folder / "server.log"
    raise InputError("ui", "server", f"did not start; {log} has the reason")


async def _cancel_all() -> int:
    """Cancels every run and waits for its end; returns how many there were."""
    running = FlowRunFilter.model_validate(
        {"state": {"type": {"any_": [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]}}}
    )
    async with get_client() as client:
        runs = [
            run for run in await client.read_flow_runs(flow_run_filter=running)
            if run.parent_task_run_id is None
        ]  # fmt: skip
        for run in runs:
            await client.set_flow_run_state(run.id, Cancelling())
        until = time.monotonic() + _CANCELLED_S
        while runs and time.monotonic() < until:
            await asyncio.sleep(0.5)
            if not await client.read_flow_runs(flow_run_filter=running):
                break
    return len(runs)


def _free_port(wanted: int = 0) -> int:
    """`wanted`, or any free port for 0. Raises InputError for a port that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise InputError("--port", f"{wanted}", f"{error.strerror}", "a free port") from error
        return int(probe.getsockname()[1])
