"""The systemd units are valid, and their commands work."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tasks.model.names import ROOT

from .conftest import Site, free_port, wait_for

UNITS = ROOT / "deployments" / "systemd"
SERVER, WORKER = "ebpf-overhead-server.service", "ebpf-overhead-worker@.service"
INSTALLED = "/opt/ebpf-overhead"


def unit(name: str, instance: str = "") -> dict[str, str]:
    """The unit's settings (the last line of each key), with the paths of this working copy."""
    text = (UNITS / name).read_text().replace("%i", instance)
    text = text.replace(f"{INSTALLED}/.venv/bin/python", sys.executable)
    lines = text.replace(INSTALLED, str(ROOT)).splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line))


def start(folder: Path, words: list[str], **more: str) -> "subprocess.Popen[bytes]":
    """Starts the unit's command with the unit's settings."""
    shared = (ROOT / "deployments" / "prefect.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in shared if line and line[0] != "#")
    environment = {**os.environ, **settings, "PREFECT_HOME": str(folder), **more}
    log = (folder / "log").open("wb")
    return subprocess.Popen(words, env=environment, cwd=ROOT, stdout=log, stderr=log)


def ends(process: "subprocess.Popen[bytes]", within_s: float) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(within_s)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze (systemd)")
@pytest.mark.parametrize("name", [SERVER, WORKER])
def test_systemd_accepts_each_unit(name: str, tmp_path: Path) -> None:
    text = (UNITS / name).read_text()
    text = text.replace(f"{INSTALLED}/.venv/bin/python", sys.executable)
    (tmp_path / name).write_text(text.replace(INSTALLED, str(ROOT)))
    said = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / name], capture_output=True, text=True, check=False
    )
    of_ours = [line for line in (said.stdout + said.stderr).splitlines() if name in line]
    assert (said.returncode, of_ours) == (0, [])  # it also complains about this machine's own units


@pytest.mark.parametrize("name", [SERVER, WORKER])
def test_each_unit_runs_as_its_own_user_with_the_shared_settings(name: str) -> None:
    text = (UNITS / name).read_text()
    assert "User=ebpf-overhead\n" in text
    assert f"EnvironmentFile={INSTALLED}/deployments/prefect.env\n" in text
    assert not re.search(r"^Environment(File)?=.*(SECRET|PASSWORD|://)", text, re.MULTILINE)


@pytest.mark.slow
def test_the_server_unit_serves_the_api_and_ends_on_sigterm(tmp_path: Path) -> None:
    port = free_port()
    words = shlex.split(unit(SERVER)["ExecStart"])
    assert words[-4:] == ["--host", "0.0.0.0", "--port", "4200"]
    server = start(tmp_path, [*words[:-3], "127.0.0.1", "--port", str(port)])
    try:
        wait_for("the server", 90, lambda: answers(f"http://127.0.0.1:{port}/api/health"))
    finally:
        ends(server, within_s=60)


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.lab
@pytest.mark.slow
def test_the_worker_unit_registers_its_site_polls_for_runs_and_ends_on_sigterm(
    site: Site, tmp_path: Path
) -> None:
    api = {"PREFECT_API_URL": f"{site.address}/api"}
    commands = unit(WORKER, "by-unit")
    assert start(tmp_path, shlex.split(commands["ExecStartPre"]), **api).wait(60) == 0
    assert site.deployment("campaign/campaign-by-unit")["work_pool_name"] == "by-unit"
    worker = start(tmp_path, shlex.split(commands["ExecStart"]), **api)
    try:
        wait_for("the worker", 60, lambda: online(site, "by-unit"))
    finally:
        ends(worker, within_s=60)


@pytest.mark.slow
def test_the_worker_unit_does_not_start_without_its_server(tmp_path: Path) -> None:
    api = f"http://127.0.0.1:{free_port()}/api"
    command = shlex.split(unit(WORKER, "by-unit")["ExecStartPre"])
    assert start(tmp_path, command, PREFECT_API_URL=api).wait(60) == 2
    assert "PREFECT_API_URL" in (tmp_path / "log").read_text()


def online(site: Site, pool: str) -> bool:
    workers = site.found(f"/work_pools/{pool}/workers/filter")
    return any(worker["status"] == "ONLINE" for worker in workers)
