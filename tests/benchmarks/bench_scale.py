"""Many environments under one orchestrator: wall time relative to one environment, memory, server.

    python -m tests.benchmarks.bench_scale [--database postgresql|sqlite] [--environments 64]
                                           [--window 130]

Loads are replaced by sleeps of their length; plans, journals, flows, task runs, artifacts, the
server and its database are real: a temporary PostgreSQL cluster of the benchmark, or SQLite. Needs
no root and no hosts. Takes 40 minutes, because the cost of many environments arises when they begin
and is compared with a campaign of 20 minutes.
"""

import argparse
import asyncio
import logging
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from pathlib import Path
from typing import Any

import httpx
from prefect import flow
from prefect.client.orchestration import get_client

import flows.campaign
import flows.host_reservation
import flows.measure
from flows.measure import Measuring
from flows.server.heartbeat_automation import watch_heartbeats
from flows.server.prefect_settings import shared_settings, shell_settings
from tasks.execution import session as sessions
from tasks.execution.session import Session
from tasks.execution.site import Site
from tasks.execution.slot import OutcomeListener
from tasks.execution.steps import Steps
from tasks.model.environment import Environment, Layer
from tasks.model.outcome import CellKey, CellStatus, Outcome
from tasks.model.plan import Case, CaseKind, Design, Plan, Slot, Workload
from tasks.model.settings import Measurement
from tasks.planning.schedule import make_plan
from tasks.storage.run_folder import EnvironmentRecord, RunFolder
from tasks.storage.schema import VERSION

MEMORY_GOAL_MIB = 1024
CASES = 6


async def sleeping(
    site: Site, slot: Slot, workloads: Sequence[Workload], attempt: int, listener: OutcomeListener
) -> list[Outcome]:
    """`run_slot`, with a sleep for every load."""
    outcomes, case = [], site.plan.case(slot.case_id, slot.layer)
    for workload in workloads:
        begun = time.time()
        await asyncio.sleep(workload.warmup_s + workload.window_s)
        key = CellKey(
            site.plan.environment, site.run, slot.layer, slot.iteration, slot.position, case.name,
            workload.name, attempt,
        )  # fmt: skip
        outcomes.append(Outcome(key, CellStatus.PASSED, "", "", begun, time.time()))
        listener(outcomes[-1])
    return outcomes


@asynccontextmanager
async def sleeping_hosts(
    folder: RunFolder, *, min_free_mib: int, keep_on_hosts: bool
) -> AsyncIterator[Session]:
    """`hold_hosts`, without hosts."""
    plan = folder.plan()
    environment = Environment(plan.environment, {}, {}, {})
    site = Site(
        environment=environment, plan=plan, run="run", folder=folder, shells={},
        steps=Steps((), lambda _: None), epoch="", load_before=None, max_load=None,
    )  # fmt: skip
    yield Session(site, lambda: asyncio.sleep(0))


def lay_out(run: Path, count: int, window_s: float) -> Path:
    """Lays out a run of `count` environments with the same plan of one iteration."""
    workload = Workload("latency_tcp_rr", "latency", "netperf", "tcp", 1, window_s, 0.0)
    cases = [Case(n, f"tool_{n}", CaseKind.TOOL, Layer.HOST) for n in range(1, CASES + 1)]
    placebo = Case(0, "placebo", CaseKind.PLACEBO, Layer.HOST)
    for number in range(count):
        design = Design(seed=1, iterations=1, placebos=0)
        plan: Plan = make_plan(f"e{number}", cases, lambda _: placebo, (workload,), design)
        folder = RunFolder(run / plan.environment)
        folder.write_plan(plan)
        record = EnvironmentRecord(plan.environment, run.name, VERSION, hosts=(f"host-{number}",))
        folder.write_environment(record)
    return run


@flow(name="many", validate_parameters=False)
async def many(run: Path) -> float:
    """Measures all of them at once; returns the wall time in seconds."""
    begun = time.monotonic()
    ended = await flows.campaign._measure_all(run, Measuring(Measurement()))
    assert not ended, ended
    return time.monotonic() - begun


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql() -> Iterator[dict[str, str]]:
    """A temporary cluster with default settings; yields the Prefect server's setting for it.

    PostgreSQL refuses to run as root; as root, its programs run as the user postgres.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    path = os.pathsep.join([os.environ["PATH"], *map(str, reversed(programs))])
    initdb, pg_ctl = shutil.which("initdb", path=path), shutil.which("pg_ctl", path=path)
    if initdb is None or pg_ctl is None:
        sys.exit("no PostgreSQL on this machine: apt-get install postgresql, or --database sqlite")
    with tempfile.TemporaryDirectory() as folder:
        user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            user = ["runuser", "-u", "postgres", "--"]
        control = [*user, pg_ctl, "--silent", "--wait", "--pgdata", f"{folder}/data"]
        create = [*user, initdb, "--auth", "trust", "--username", "prefect", f"{folder}/data"]
        subprocess.run(create, cwd=folder, stdout=subprocess.DEVNULL, check=True)
        port = free_port()
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder}"
        start = [*control, "--log", f"{folder}/log", "--options", options, "start"]
        try:
            subprocess.run(start, cwd=folder, check=True)
            url = f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
            yield {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
        finally:
            subprocess.run([*control, "--mode", "immediate", "stop"], cwd=folder, check=False)


@contextmanager
def serve(folder: Path, database: dict[str, str]) -> Iterator[str]:
    """Runs a server in the body; yields the address of its API."""
    port = free_port()
    settings = {"PREFECT_HOME": str(folder), "PREFECT_LOGGING_LEVEL": "ERROR"}
    words = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", *words],
            env=os.environ | shared_settings() | settings | database, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        api = f"http://127.0.0.1:{port}/api"
        wait_ready(api)
        yield api
    finally:
        server.terminate()
        server.wait(30)


def wait_ready(api: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            if httpx.get(f"{api}/health", timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    sys.exit(f"no server at {api} after two minutes")


def count_refusals() -> Counter[str]:
    """Counts requests from now on that did not succeed at once, whether repeated or not."""
    refused: Counter[str] = Counter()
    send = httpx.AsyncClient.send

    async def counted(
        self: httpx.AsyncClient, request: httpx.Request, **options: Any
    ) -> httpx.Response:
        try:
            response = await send(self, request, **options)
        except httpx.TransportError:
            refused["unanswered"] += 1
            raise
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            refused["503"] += 1
        return response

    httpx.AsyncClient.send = counted  # type: ignore[method-assign]
    return refused


async def watch() -> None:
    """Registers the heartbeat automations, as `deploy` does."""
    async with get_client() as client:
        await watch_heartbeats(client)


def recorded(api: str) -> int:
    """Number of task runs that have ended according to the server."""
    body = {
        "task_runs": {"name": {"like_": "iteration 1"}, "state": {"type": {"any_": ["COMPLETED"]}}}
    }
    return int(httpx.post(f"{api}/task_runs/count", json=body, timeout=60).json())


def main() -> None:
    logging.disable(logging.WARNING)
    os.environ |= shell_settings()  # before Prefect reads its settings
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    words.add_argument("--environments", type=int, default=64)
    words.add_argument("--window", type=float, default=130.0, help="seconds of a cell")
    chosen = words.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that clean-up runs
    sessions.run_slot = sleeping  # type: ignore[attr-defined]
    flows.host_reservation.hold_hosts = sleeping_hosts  # type: ignore[attr-defined]
    flows.measure._replan = lambda *_: None  # it would read raw results, which do not exist here
    refused = count_refusals()
    with_cluster = chosen.database == "postgresql"
    cluster: AbstractContextManager[dict[str, str]] = (
        postgresql() if with_cluster else nullcontext({})
    )
    with tempfile.TemporaryDirectory() as name, cluster as database:
        root = Path(name)
        with serve(root, database) as api:
            from prefect.settings import PREFECT_API_URL, temporary_settings

            with temporary_settings({PREFECT_API_URL: api}):
                asyncio.run(watch())
                one = asyncio.run(many(lay_out(root / "one", 1, chosen.window)))
                time.sleep(5)  # the server records task runs in batches
                before = recorded(api)
                refused.clear()
                all_of_them = asyncio.run(
                    many(lay_out(root / "many", chosen.environments, chosen.window))
                )
            at_end = recorded(api) - before
            time.sleep(5)
            later = recorded(api) - before
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slots = before * chosen.environments
    print(f"database           {chosen.database}")
    print(f"one environment    {one:8.1f} s, {before} slots of {chosen.window:g} s")
    more = all_of_them - one
    print(f"{chosen.environments} environments    {all_of_them:8.1f} s: {more:.1f} s more, "
          f"{more / one:.1%} (goal 5 %)")  # fmt: skip
    print(f"within 5 %         for runs of {more / 0.05 / 60:.0f} minutes and longer")
    print(f"memory             {memory_mib:8.0f} MiB (goal {MEMORY_GOAL_MIB})")
    print(f"requests           {refused['503']} answered 503, {refused['unanswered']} not answered")
    print(f"task runs          {slots / all_of_them:8.1f} a second; of {slots}, {at_end} were "
          f"recorded at the end, {later} five seconds later")  # fmt: skip


if __name__ == "__main__":
    main()
