"""`ebpf-overhead ui`: Prefect's server on SQLite, a worker, the deployments, and the reports, all
on this machine."""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling

from tasks.model.errors import InputError
from tasks.model.names import ROOT

from ..analysis import REPORTS_ROOT, REPORTS_URL
from . import background
from .deploy import deploy
from .prefect_settings import QUIET, shared_settings

POOL = "ebpf-overhead"
PROGRAMS = ("worker", "reports", "server")  # in the order in which they are stopped
_READY_S = 120.0
_CANCELLED_S = 30.0
Say = Callable[[str], None]


def state_directory() -> Path:
    """Where the server's database, the logs and the records of the processes lie."""
    return Path(os.environ.get("XDG_STATE_HOME", "~/.local/state")).expanduser() / "ebpf-overhead"


def address(folder: Path) -> str | None:
    """The API of the server that runs from `folder`; None where none runs."""
    if background.recorded(folder, "server") is None:
        return None
    return f"http://127.0.0.1:{json.loads((folder / 'ports.json').read_text())['server']}/api"


def start(folder: Path, port: int, reports: Path, say: Say) -> str:
    """The UI's address, when everything runs; what runs already is left alone.

    Raises InputError for a port that is taken, and what `deploy` raises.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    reports.mkdir(parents=True, exist_ok=True)
    api = address(folder)
    if api is not None and all(background.recorded(folder, name) for name in PROGRAMS):
        say("runs already")
        return api.removesuffix("/api")
    if api is None:
        _free("--port", port)
        ports = {"server": port, "reports": _any_port()}
        (folder / "ports.json").write_text(json.dumps(ports))
        say("starting the server (a new database takes 20 s)")
        serve = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
        _start(folder, "server", ["-m", "prefect", *serve], reports)
        api = address(folder)
        _wait_ready(folder, port)
    for name in deploy(f"{api}"):
        say(f"deployment {name}")
    files = str(_ports(folder)["reports"])
    _start(
        folder, "reports",
        ["-m", "http.server", files, "--bind", "127.0.0.1", "--directory", str(reports)], reports,
    )  # fmt: skip
    work = ["worker", "start", "--pool", POOL, "--type", "process", "--name", socket.gethostname()]
    _start(folder, "worker", ["-m", "prefect", *work], reports)
    return f"{api}".removesuffix("/api")


def stop(folder: Path, say: Say) -> None:
    """Cancels what is running, so that the hosts are clean, and ends all programs."""
    api = address(folder)
    if api is not None:
        with temporary_settings({PREFECT_API_URL: api}):
            count = asyncio.run(_cancel_all())
        if count:
            say(f"cancelled {count} runs; finished cells are kept")
    for name in PROGRAMS:
        if background.stop(folder, name):
            say(f"stopped the {name}")


def settings(folder: Path, reports: Path) -> dict[str, str]:
    """Environment of every program: deployments/prefect.env and where things are here."""
    ports = _ports(folder)
    return shared_settings() | {
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": f"http://127.0.0.1:{ports['server']}/api",
        REPORTS_URL: f"http://127.0.0.1:{ports['reports']}",
        REPORTS_ROOT: str(reports.resolve()),
    }


def _ports(folder: Path) -> dict[str, int]:
    ports: dict[str, int] = json.loads((folder / "ports.json").read_text())
    return ports


def _start(folder: Path, name: str, arguments: list[str], reports: Path) -> None:
    if background.recorded(folder, name) is not None:
        return
    inherited = {key: value for key, value in os.environ.items() if key not in QUIET}
    environment = inherited | settings(folder, reports)
    background.start(folder, name, [sys.executable, *arguments], environment, ROOT)


def _wait_ready(folder: Path, port: int) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and background.recorded(folder, "server"):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    log = folder / "server.log"
    background.stop(folder, "server")
    raise InputError("ui", "server", f"did not come up; the reason stands in {log}")


async def _cancel_all() -> int:
    """Cancels every run and waits for their ends; how many there were."""
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


def _free(option: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError("ui", option, f"{port}: {error.strerror}", "a free port") from error


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
