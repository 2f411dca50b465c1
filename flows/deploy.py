"""`ebpf-overhead deploy`: deployments/prefect.yaml to a Prefect server, and the automation that
finds dead runs. Doing it again changes nothing."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import yaml
from prefect.automations import AutomationCore, ChangeFlowRunState, EventTrigger, Posture
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.model.errors import InputError, raise_all
from tasks.model.names import ROOT

PREFECT_FILE = ROOT / "deployments" / "prefect.yaml"
_BLOCK = re.compile(r"\{\{\s*prefect\.blocks\.([\w-]+)\.([\w-]+)")
SILENT_AFTER_S = 90
"""Three heartbeats (deployments/prefect.env)."""


def deploy(api: str, site: str | None = None) -> list[str]:
    """Registers all deployments at the server `api`, and returns their names.

    site: their pool and the end of their names, where one server serves several sites.
    Raises InputError for a server that is not there or another version, and for a wrong file.
    """
    check_server(api)
    text = PREFECT_FILE.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    raise_all(asyncio.run(overlaps(document)))
    if site is not None:
        _move(document, site)
    pools = {deployment["work_pool"]["name"] for deployment in document["deployments"]}
    with temporary_settings({PREFECT_API_URL: api}):
        asyncio.run(_prepare(pools, set(_BLOCK.findall(text))))
    _register(document, api)
    return [deployment["name"] for deployment in document["deployments"]]


def check_server(api: str) -> None:
    """Raises InputError for a server that does not answer or runs another Prefect."""
    try:
        answer = httpx.get(f"{api.rstrip('/')}/admin/version", timeout=10)
        answer.raise_for_status()
        theirs = str(answer.json())
    except (httpx.HTTPError, ValueError) as error:
        expected = "a running Prefect server; `ebpf-overhead ui` starts one on this machine"
        raise InputError("PREFECT_API_URL", api, f"no answer ({error})", expected) from error
    if theirs != (ours := version("prefect")):
        raise InputError("PREFECT_API_URL", api, f"the server runs Prefect {theirs}", ours)


async def overlaps(document: Mapping[str, Any]) -> list[InputError]:
    """Schedules that start a night before the one before it is over."""
    errors = []
    for deployment in document["deployments"]:
        window_h = (deployment.get("parameters") or {}).get("window_h")
        for schedule in deployment.get("schedules") or ():
            hours = (schedule.get("parameters") or {}).get("window_h", window_h)
            cron = CronSchedule(cron=schedule["cron"], timezone=schedule.get("timezone"))
            starts = await cron.get_dates(n=64)
            gap_h = min((b - a).total_seconds() for a, b in pairwise(starts)) / 3600
            if hours is not None and gap_h < hours:
                problem = f"a night of {hours:g} h starts every {gap_h:g} h"
                key = f"{deployment['name']}.schedules"
                expected = f"window_h at most {gap_h:g}"
                errors.append(InputError(PREFECT_FILE.name, key, problem, expected))
    return errors


def _move(document: dict[str, Any], site: str) -> None:
    for deployment in document["deployments"]:
        deployment["name"] = f"{deployment['name']}-{site}"
        deployment["work_pool"] = {**deployment["work_pool"], "name": site}
        deployment["tags"] = [*deployment["tags"], site]


async def _prepare(pools: set[str], blocks: set[tuple[str, str]]) -> None:
    """The work pools, and the automation that finds dead runs; blocks have to be there."""
    async with get_client() as client:
        raise_all([error for block in sorted(blocks) for error in await _missing(client, *block)])
        for pool in pools:
            try:
                await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
            except ObjectAlreadyExists:
                continue
        await _watch_heartbeats(client)


async def _missing(client: PrefectClient, kind: str, name: str) -> list[InputError]:
    try:
        await client.read_block_document_by_name(name, kind)
    except ObjectNotFound:
        expected = "one made on the UI's page Blocks"
        return [InputError(PREFECT_FILE.name, f"prefect.blocks.{kind}.{name}", "no such block",
                           expected)]  # fmt: skip
    return []


async def _watch_heartbeats(client: PrefectClient) -> None:
    ends = ("Completed", "Failed", "Crashed", "Cancelled", "Paused", "Suspended", "AwaitingRetry")
    watch = AutomationCore(
        name="dead runs of ebpf-overhead",
        description="A run without heartbeats has lost its process: its hosts are free again.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={
                "prefect.flow-run.heartbeat", *(f"prefect.flow-run.{state}" for state in ends)
            },
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=SILENT_AFTER_S),
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                state=StateType.CRASHED,
                force=False,
                message="no sign of life from its process; retry to go on where it stopped",
            )
        ],
    )  # fmt: skip
    known = await client.read_automations_by_name(watch.name)
    if not known:
        await client.create_automation(watch)
    elif not _same(known[0], watch):  # an update forgets the runs that it waits for
        await client.update_automation(known[0].id, watch)


def _same(known: AutomationCore, wanted: AutomationCore) -> bool:
    parts = {"description", "enabled", "trigger", "actions"}
    return known.model_dump(include=parts) == wanted.model_dump(include=parts)


def _register(document: Mapping[str, Any], api: str) -> None:
    """Prefect's own `deploy --all`, in the project's folder."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prefect.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all",
             "--prefect-file", str(file)],
            cwd=ROOT, env={**os.environ, "PREFECT_API_URL": api}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise InputError(str(PREFECT_FILE), "", lines[-1] if lines else "prefect deploy failed")
