"""`ebpf-overhead deploy`: registers deployments/prefect.yaml and the heartbeat automations at a
Prefect server. Repeating it changes nothing, and keeps what a person set in the UI: a schedule's
switch, schedules that are not in the file, and parameters that the file does not name."""

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
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import ValidationError

from tasks.model.errors import InputError, raise_all
from tasks.model.names import ROOT, as_id

from ..version import program_version
from .heartbeat_automation import watch_heartbeats
from .notifications import notify_through

PREFECT_FILE = ROOT / "deployments" / "prefect.yaml"
_BLOCK = re.compile(r"\{\{\s*prefect\.blocks\.([\w-]+)\.([\w-]+)")


def deploy(api: str, site: str | None = None, notify: str | None = None) -> list[str]:
    """Registers all deployments at the server `api`, and returns their names.

    site: the name of their work pool and the suffix of their names, if a server has several sites.
    notify: TYPE/NAME of the notification block that gets messages of failures and budgets.
    Raises InputError for a server that does not answer or has another version, and for mistakes in
    the file.
    """
    if site is not None and as_id(site) != site:
        raise InputError("--site", site, "not a name", "letters, digits, dots and dashes")
    check_server(api)
    text = PREFECT_FILE.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    raise_all(asyncio.run(wrong_schedules(document)))
    if site is not None:
        _assign_to(site, document)
    _point_to_this_program(document)
    with temporary_settings({PREFECT_API_URL: api}):
        asyncio.run(_prepare(document, set(_BLOCK.findall(text)), notify))
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
    """Schedules that cannot be read, or that start a night before the previous one is over."""
    errors = []
    for deployment in document["deployments"]:
        for schedule in deployment.get("schedules") or ():
            parameters = (deployment.get("parameters") or {}) | (schedule.get("parameters") or {})
            problem = await _problem(schedule, parameters.get("window_h"))
            if problem:
                key = f"{deployment['name']}.schedules"
                errors.append(InputError(PREFECT_FILE.name, key, *problem))
    return errors


async def _problem(schedule: Mapping[str, Any], hours: float | None) -> tuple[str, str] | None:
    """What is wrong with a schedule of nights of so many hours, and what is expected."""
    if not (schedule.get("slug") and schedule.get("cron")):
        return "a schedule without slug or cron", 'slug: every-night and cron: "0 23 * * *"'
    try:
        cron = CronSchedule(cron=schedule["cron"], timezone=schedule.get("timezone"))
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        expected = 'a cron such as "0 23 * * *", a timezone such as Asia/Shanghai'
        return f"{schedule['cron']}: {message}", expected
    starts = await cron.get_dates(n=64)
    gap_h = min((b - a).total_seconds() for a, b in pairwise(starts)) / 3600
    if hours is not None and gap_h < hours:
        return f"a night of {hours:g} h starts every {gap_h:g} h", f"window_h at most {gap_h:g}"
    return None


def _assign_to(site: str, document: dict[str, Any]) -> None:
    for deployment in document["deployments"]:
        deployment["name"] = f"{deployment['name']}-{site}"
        deployment["work_pool"] = {**deployment["work_pool"], "name": site}
        deployment["tags"] = [*deployment["tags"], site]


def _point_to_this_program(document: dict[str, Any]) -> None:
    """Its version, and where a run finds its code: the run starts in the project folder."""
    for deployment in document["deployments"]:
        deployment["version"] = program_version()
        pool = deployment["work_pool"]
        environment = pool["job_variables"]["env"] | {"PYTHONPATH": str(ROOT)}
        deployment["work_pool"] = {**pool, "job_variables": {"env": environment}}


async def _prepare(
    document: dict[str, Any], blocks: set[tuple[str, str]], notify: str | None
) -> None:
    """Creates work pools and automations, and takes over what was set in the UI.

    Raises InputErrors for blocks that the file refers to and the server does not have.
    """
    wanted = {deployment["name"]: deployment for deployment in document["deployments"]}
    async with get_client() as client:
        await _check_blocks(client, blocks)
        for pool in {deployment["work_pool"]["name"] for deployment in wanted.values()}:
            await _create_pool(client, pool)
        await watch_heartbeats(client)
        if notify is not None:
            await notify_through(client, notify)
        named = DeploymentFilter(name=DeploymentFilterName(any_=list(wanted)))
        for registered in await client.read_deployments(deployment_filter=named):
            if registered.entrypoint == wanted[registered.name]["entrypoint"]:
                _take_over(registered, wanted[registered.name])


async def _check_blocks(client: PrefectClient, blocks: set[tuple[str, str]]) -> None:
    errors = []
    for kind, name in sorted(blocks):
        try:
            await client.read_block_document_by_name(name, kind)
        except ObjectNotFound:
            key, expected = f"prefect.blocks.{kind}.{name}", "one made on the UI's page Blocks"
            errors.append(InputError(PREFECT_FILE.name, key, "no such block", expected))
    raise_all(errors)


async def _create_pool(client: PrefectClient, name: str) -> None:
    try:
        await client.create_work_pool(WorkPoolCreate(name=name, type="process"))
    except ObjectAlreadyExists:
        kind = (await client.read_work_pool(name)).type
        if kind != "process":
            problem = f"the work pool {name} is of type {kind}"
            raise InputError(PREFECT_FILE.name, "work_pool", problem, "type process") from None


def _take_over(registered: DeploymentResponse, deployment: dict[str, Any]) -> None:
    """What a person set in the UI, into the file's `deployment`."""
    module, _, flow = deployment["entrypoint"].rpartition(".")
    known = getattr(import_module(module), flow).parameters.properties
    set_in_ui = {key: value for key, value in registered.parameters.items() if key in known}
    deployment["parameters"] = set_in_ui | (deployment.get("parameters") or {})
    schedules = {schedule["slug"]: schedule for schedule in deployment.get("schedules") or ()}
    added_in_ui = []
    for schedule in registered.schedules:
        if schedule.slug in schedules:
            schedules[schedule.slug]["active"] = schedule.active
        else:
            parts = schedule.model_dump(mode="json", include={"active", "parameters", "slug"})
            added_in_ui.append(schedule.schedule.model_dump(mode="json") | parts)
    deployment["schedules"] = [*schedules.values(), *added_in_ui]


def _register(document: Mapping[str, Any], api: str) -> None:
    """Runs Prefect's own `deploy --all` in the project folder, where the runs will start."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prefect.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all",
             "--prefect-file", str(file)],
            env={**os.environ, "PREFECT_API_URL": api, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise InputError(str(PREFECT_FILE), "", lines[-1] if lines else "prefect deploy failed")
