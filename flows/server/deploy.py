"""`ebpf-overhead deploy`: deployments/prefect.yaml to a Prefect server, and the automations that
find dead runs. Doing it again changes nothing, and keeps what a person set in the UI: a schedule's
switch, schedules beside those of the file, and parameters that the file does not name."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import ValidationError

from tasks.model.errors import InputError, raise_all
from tasks.model.names import ROOT, as_id

from .heartbeat_automation import watch_heartbeats

PREFECT_FILE = ROOT / "deployments" / "prefect.yaml"
_BLOCK = re.compile(r"\{\{\s*prefect\.blocks\.([\w-]+)\.([\w-]+)")


def deploy(api: str, site: str | None = None) -> list[str]:
    """Registers all deployments at the server `api`, and returns their names.

    site: their pool and the end of their names, where one server serves several sites.
    Raises InputError for a server that is not there or another version, and for a wrong file.
    """
    if site is not None and as_id(site) != site:
        raise InputError("--site", site, "not a name", "letters, digits, dots and dashes")
    check_server(api)
    text = PREFECT_FILE.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    raise_all(asyncio.run(wrong_schedules(document)))
    if site is not None:
        _move(document, site)
    with temporary_settings({PREFECT_API_URL: api}):
        asyncio.run(_prepare(document, set(_BLOCK.findall(text))))
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


async def wrong_schedules(document: Mapping[str, Any]) -> list[InputError]:
    """Schedules that cannot be read, or that start a night before the one before it is over."""
    errors = []
    for deployment in document["deployments"]:
        window_h = (deployment.get("parameters") or {}).get("window_h")
        for schedule in deployment.get("schedules") or ():
            hours = (schedule.get("parameters") or {}).get("window_h", window_h)
            problem = await _wrong(schedule, hours)
            if problem:
                key = f"{deployment['name']}.schedules"
                errors.append(InputError(PREFECT_FILE.name, key, *problem))
    return errors


async def _wrong(schedule: Mapping[str, Any], hours: float | None) -> tuple[str, str] | None:
    """What is wrong, and what is expected."""
    if not (schedule.get("slug") and schedule.get("cron")):
        return "a schedule without slug or cron", 'slug: every-night and cron: "0 23 * * *"'
    try:
        cron = CronSchedule(cron=schedule["cron"], timezone=schedule.get("timezone"))
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        return (
            f"{schedule['cron']}: {said}",
            'a cron such as "0 23 * * *", a zone such as Asia/Shanghai',
        )
    starts = await cron.get_dates(n=64)
    gap_h = min((b - a).total_seconds() for a, b in pairwise(starts)) / 3600
    if hours is not None and gap_h < hours:
        return f"a night of {hours:g} h starts every {gap_h:g} h", f"window_h at most {gap_h:g}"
    return None


def _move(document: dict[str, Any], site: str) -> None:
    for deployment in document["deployments"]:
        deployment["name"] = f"{deployment['name']}-{site}"
        deployment["work_pool"] = {**deployment["work_pool"], "name": site}
        deployment["tags"] = [*deployment["tags"], site]


async def _prepare(document: dict[str, Any], blocks: set[tuple[str, str]]) -> None:
    """The work pools, and the automations that find dead runs; blocks have to be there."""
    wanted = {deployment["name"]: deployment for deployment in document["deployments"]}
    async with get_client() as client:
        raise_all([error for block in sorted(blocks) for error in await _missing(client, *block)])
        for pool in {deployment["work_pool"]["name"] for deployment in wanted.values()}:
            await _pool(client, pool)
        await watch_heartbeats(client)
        named = DeploymentFilter(name=DeploymentFilterName(any_=list(wanted)))
        for there in await client.read_deployments(deployment_filter=named):
            if there.entrypoint == wanted[there.name]["entrypoint"]:
                _keep(wanted[there.name], there)


async def _pool(client: PrefectClient, name: str) -> None:
    try:
        await client.create_work_pool(WorkPoolCreate(name=name, type="process"))
    except ObjectAlreadyExists:
        kind = (await client.read_work_pool(name)).type
        if kind != "process":
            problem = f"the work pool {name} is of type {kind}"
            raise InputError(PREFECT_FILE.name, "work_pool", problem, "type process") from None


def _keep(deployment: dict[str, Any], there: DeploymentResponse) -> None:
    """What a person set in the UI, into the file's `deployment`."""
    module, _, flow = deployment["entrypoint"].rpartition(".")
    known = getattr(import_module(module), flow).parameters.properties
    set_there = {key: value for key, value in there.parameters.items() if key in known}
    deployment["parameters"] = {**set_there, **(deployment.get("parameters") or {})}
    schedules = {schedule["slug"]: schedule for schedule in deployment.get("schedules") or ()}
    beside = []
    for schedule in there.schedules:
        if schedule.slug in schedules:
            schedules[schedule.slug]["active"] = schedule.active
        else:
            beside.append(_written(schedule))
    deployment["schedules"] = [*schedules.values(), *beside]


def _written(schedule: DeploymentSchedule) -> dict[str, Any]:
    """A schedule as prefect.yaml writes it."""
    parts = schedule.model_dump(mode="json", include={"active", "parameters", "slug"})
    return {**schedule.schedule.model_dump(mode="json"), **parts}


async def _missing(client: PrefectClient, kind: str, name: str) -> list[InputError]:
    try:
        await client.read_block_document_by_name(name, kind)
    except ObjectNotFound:
        expected = "one made on the UI's page Blocks"
        return [InputError(PREFECT_FILE.name, f"prefect.blocks.{kind}.{name}", "no such block",
                           expected)]  # fmt: skip
    return []


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
