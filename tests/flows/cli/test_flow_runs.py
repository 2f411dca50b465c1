"""How commands run a flow: a signal cancels it, and its own server ends with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flows.server.prefect_settings import shell_settings
from tasks.model.names import ROOT

WAITING = """
import asyncio
import time
from pathlib import Path
from prefect import flow, task
from flows.cli.flow_runs import run_flow

@task
def measures():
    Path("begun").touch()
    time.sleep(3)

@flow
async def waits():
    try:
        for _ in range(100):
            measures()
            await asyncio.sleep(0.1)
    finally:
        Path("cleaned").touch()
        %s

run_flow(waits())
"""


def start(
    folder: Path, at_the_end: str = "pass", hangups: str = "default"
) -> "subprocess.Popen[bytes]":
    """A run that has begun, with a server of its own."""
    variables = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
    run = subprocess.Popen(
        # whether or not the tests themselves run under nohup
        ["env", f"--{hangups}-signal=HUP", sys.executable, "-c", WAITING % at_the_end],
        cwd=folder, start_new_session=True,
        env=variables | {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(folder)} | shell_settings(),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 120
    while not (folder / "begun").exists():
        assert run.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)
    return run


@pytest.fixture
def run(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    run = start(tmp_path)
    yield run
    run.kill()
    run.wait()


def server_of(run: "subprocess.Popen[bytes]") -> psutil.Process:
    (server,) = [one for one in psutil.Process(run.pid).children() if "uvicorn" in one.cmdline()]
    return server


@pytest.mark.parametrize(
    ("send", "number"),
    [
        (os.killpg, signal.SIGINT),  # a terminal
        (os.kill, signal.SIGTERM),  # a supervisor
        (os.killpg, signal.SIGTERM),
        (os.kill, signal.SIGHUP),
    ],
)
def test_a_signal_cancels_the_run_and_ends_its_server(run, tmp_path, send, number):
    server = server_of(run)
    send(run.pid, number)
    assert run.wait(20) == 128 + number
    assert (tmp_path / "cleaned").exists()
    server.wait(5)


def test_a_killed_run_leaves_no_server(run):
    server = server_of(run)
    run.kill()
    server.wait(5)


def test_an_interrupted_run_does_not_wait_for_a_server_that_is_gone(run, tmp_path):
    server_of(run).kill()
    time.sleep(1)
    run.terminate()
    assert run.wait(45) == 128 + signal.SIGTERM
    assert (tmp_path / "cleaned").exists()


def test_a_second_signal_ends_the_run_in_its_clean_up(tmp_path):
    run = start(tmp_path, at_the_end="time.sleep(60)")
    try:
        run.terminate()
        while not (tmp_path / "cleaned").exists():
            time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 128 + signal.SIGINT
    finally:
        run.kill()
        run.wait()


def test_a_run_that_was_told_to_ignore_hangups_ignores_them(tmp_path):
    run = start(tmp_path, hangups="ignore")  # as nohup does
    try:
        run.send_signal(signal.SIGHUP)
        time.sleep(4)
        assert run.poll() is None
    finally:
        run.kill()
        run.wait()
