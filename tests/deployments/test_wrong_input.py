"""Mistakes in server settings or in deployments/prefect.yaml give one line that says what to do."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.server import deploy

from ..paths import REFERENCE_CASES


class _Older(BaseHTTPRequestHandler):
    """Answers every request with the version of another server."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'"3.4.0"')

    def log_message(self, format: str, *words: object) -> None:
        pass


@pytest.fixture
def older() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Older)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    server.server_close()


def shell(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *words],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "XDG_STATE_HOME": str(folder), "COLUMNS": "400", **environment},
    )  # fmt: skip


def one_line(folder: Path, *words: str, **environment: str) -> str:
    done = shell(folder, *words, **environment)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    """An environment that can be planned."""
    for path in REFERENCE_CASES.glob("*-*"):
        (tmp_path / path.name).write_text(path.read_text())
    return tmp_path


@pytest.mark.parametrize("words", [["deploy"], ["run", "--config-dir"]])
def test_an_unreachable_server_is_named(words: list[str], config_dir: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound, but not listening
        api = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
        if words[-1] == "--config-dir":
            words = [*words, str(config_dir)]
        line = one_line(config_dir, *words, PREFECT_API_URL=api)
    assert f"PREFECT_API_URL: {api}: no answer" in line
    assert "`ebpf-overhead ui`" in line


def test_a_server_of_another_version_is_refused(tmp_path: Path, older: str) -> None:
    line = one_line(tmp_path, "deploy", PREFECT_API_URL=older)
    assert re.search(r"the server runs Prefect 3\.4\.0; expected 3\.\d+\.\d+", line)


def test_a_run_from_the_shell_checks_the_server_too(config_dir: Path, older: str) -> None:
    line = one_line(config_dir, "run", "--config-dir", str(config_dir), PREFECT_API_URL=older)
    assert "the server runs Prefect 3.4.0" in line


def test_a_wrong_folder_is_reported_before_a_server_is_contacted_or_a_run_is_named(
    tmp_path: Path,
) -> None:
    done = shell(tmp_path, "run", "--config-dir", "nowhere", PREFECT_API_URL="http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--config-dir: nowhere: no such environment" in done.stderr


def test_deploying_without_a_server_names_the_setting(tmp_path: Path) -> None:
    assert "PREFECT_API_URL: not set" in one_line(tmp_path, "deploy", PREFECT_API_URL="")


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"--port: {port}: " in one_line(tmp_path, "ui", "--port", port)


def test_an_invalid_site_name_is_refused(tmp_path: Path) -> None:
    line = one_line(tmp_path, "deploy", "--site", "a/b", PREFECT_API_URL="http://127.0.0.1:1/api")
    assert "--site: a/b: not a name" in line


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cron": "0 25 * * *"}, "Invalid cron string"),
        ({"timezone": "Asia/Nowhere"}, "Invalid timezone"),
        ({"slug": None}, "without slug or cron"),
    ],
)
async def test_an_invalid_schedule_is_refused(wrong: dict[str, Any], message: str) -> None:
    document = night("0 23 * * *", 7)
    document["deployments"][0]["schedules"][0].update(wrong)
    (error,) = await deploy.wrong_schedules(document)
    assert message in str(error)


def night(cron: str, hours: float) -> dict[str, Any]:
    schedule = {"slug": "every-night", "cron": cron, "timezone": "Asia/Shanghai"}
    return {
        "deployments": [
            {"name": "nightly", "parameters": {"window_h": hours}, "schedules": [schedule]}
        ]
    }


@pytest.mark.parametrize(
    ("cron", "hours", "gap"), [("0 */6 * * *", 7, "6"), ("0 22,23 * * *", 2, "1")]
)
async def test_a_schedule_that_overlaps_itself_is_refused(
    cron: str, hours: float, gap: str
) -> None:
    (error,) = await deploy.wrong_schedules(night(cron, hours))
    assert f"starts every {gap} h" in str(error)
    assert "nightly.schedules" in str(error)


async def test_the_default_schedule_does_not_overlap_itself() -> None:
    assert await deploy.wrong_schedules(yaml.safe_load(deploy.PREFECT_FILE.read_text())) == []
