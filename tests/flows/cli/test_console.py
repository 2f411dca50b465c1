"""How commands run a flow."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from flows.server.prefect_settings import shell_settings
from tasks.model.names import ROOT

WAITING = """
import asyncio
import time
from pathlib import Path
from prefect import flow, task
from flows.cli.console import run_flow

@task
def measures():
    Path("begun").touch()
    time.sleep(3)

@flow
async def waits():
    for _ in range(100):
        measures()
        await asyncio.sleep(0.1)

run_flow(waits())
"""


def test_ctrl_c_in_a_terminal_ends_a_run_that_has_no_server_of_its_own(tmp_path: Path) -> None:
    variables = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
    run = subprocess.Popen(
        [sys.executable, "-c", WAITING], cwd=tmp_path, start_new_session=True,
        env=variables | {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(tmp_path)} | shell_settings(),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while not (tmp_path / "begun").exists():
            assert run.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to the server as well
        run.wait(20)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
    assert run.returncode == -signal.SIGINT
