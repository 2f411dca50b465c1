"""A terminated demo takes itself down; what a killed one leaves, the next command clears."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tasks.lab import lifecycle
from tasks.lab.state import STATE_ROOT
from tasks.model.names import ROOT

from .conftest import overhead, traces, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SEED = int(os.environ.get("EBPF_OVERHEAD_SEED", time.time()))
KILLS = int(os.environ.get("EBPF_OVERHEAD_KILLS", "4"))
"""Each takes half a minute."""

DEMO_S = 45.0  # long enough to reach the measurement
VMS_S = 60.0


@pytest.fixture(autouse=True)
def _no_lab_stays() -> Iterator[None]:
    yield
    lifecycle.down("demo")


@contextmanager
def started(folder: Path, *words: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A command in a session of its own, once it builds the lab; its output is in `folder`/out."""
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *words], stdin=subprocess.DEVNULL, stdout=out,
            stderr=out, cwd=folder, start_new_session=True,
            env={**os.environ, "PREFECT_HOME": str(folder / "prefect"), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    try:
        wait_for(lambda: "starting host-server" in shown(folder) or process.poll() is not None, 120)
        yield process
    finally:
        process.kill()
        process.wait()


def shown(folder: Path) -> str:
    return (folder / "out").read_text()


def left() -> dict[str, list[str]]:
    return {kind: found for kind, found in traces(STATE_ROOT / "demo").items() if found}


def alive(processes: Sequence[psutil.Process]) -> list[str]:
    _, running = psutil.wait_procs(processes, timeout=10)
    return [" ".join(one.cmdline()) for one in running]


@pytest.mark.parametrize("send", [os.kill, os.killpg])
@pytest.mark.parametrize("at", ["building the test network", "1/"])
def test_a_terminated_demo_leaves_nothing(tmp_path: Path, send, at: str) -> None:
    with started(tmp_path, "demo", "--layers", "host") as demo:
        wait_for(lambda: at in shown(tmp_path), 120)
        started_by_it = psutil.Process(demo.pid).children(recursive=True)
        send(demo.pid, signal.SIGTERM)
        assert demo.wait(25) == 128 + signal.SIGTERM, shown(tmp_path)
    assert not left()
    assert not alive(started_by_it)
    assert "Traceback" not in shown(tmp_path)
    assert shown(tmp_path).splitlines()[-1].startswith("interrupted:")


def test_lab_down_and_the_next_start_clear_what_a_killed_demo_left(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for number in range(KILLS):
        kinds = [("demo", "--layers", "host"), ("demo", "--layers", "host,vm")]
        words, span_s = kinds[number % 2], (DEMO_S, VMS_S)[number % 2]
        delay_s = chance.uniform(0, span_s)
        where = f"seed {SEED}, kill {number}, {' '.join(words)}, after {delay_s:.2f} s"
        with started(tmp_path, *words) as demo:
            time.sleep(delay_s)
            server = [
                one for one in psutil.Process(demo.pid).children() if "uvicorn" in one.cmdline()
            ]
            demo.kill()
            demo.wait()
        assert not alive(server), where
        if number % 4 > 1:
            assert overhead(tmp_path, "lab", "up", *words).returncode == 0, where
            assert all(state.alive for state in lifecycle.status() if state.name == "demo"), where
        down = overhead(tmp_path, "lab", "down", "demo")
        assert (down.returncode, down.stderr) == (0, ""), where
        assert not left(), where
