"""A lab's machine that dies in mid-campaign: what it was measuring does not count, and the rest is
measured once it is up again."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.lab import lifecycle
from tasks.lab.machine import recorded
from tasks.storage.dataset import Dataset

from .conftest import overhead

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAME = "dying"


def test_a_run_whose_machine_died_resumes_once_it_is_up_again(tmp_path: Path) -> None:
    labs, config = tmp_path / "labs", tmp_path / "config"
    state = lifecycle.up(NAME, state_root=labs, kernel="6.1")
    try:
        done = overhead(
            tmp_path, "bootstrap", "--minimal-input", state.minimal_input, "--output-dir", config
        )
        assert done.returncode == 0, done.stderr
        where = ["--results-dir", tmp_path / "results", "--datasets", tmp_path / "datasets",
                 "--output-dir", tmp_path / "reports"]  # fmt: skip
        process = recorded(state.directory / "machine/process")
        assert process is not None
        killer = subprocess.Popen(  # in the middle of the third slot or so
            [sys.executable, "-c", _KILL, str(process.pid), str(tmp_path / "results")]
        )
        begun = time.monotonic()
        died = overhead(
            tmp_path, "run", "--config-dir", config, "--tools", "rx_size_histogram",
            "--iterations", 2, "--window", 2, "--warmup", 0, "--workloads", "latency_tcp_rr",
            "--placebos", 1, "--attribution", 1, "--attribution-rate", "1M", "--max-load", 64,
            *where, timeout_s=900,
        )  # fmt: skip
        assert killer.wait() == 0
        assert died.returncode == 1, died.stdout
        assert "ended early" in died.stdout or "host-" in died.stderr
        assert time.monotonic() - begun < 600
        (run,) = (path.name for path in (tmp_path / "results").iterdir())
        again = lifecycle.up(NAME, state_root=labs, kernel="6.1")
        assert again.minimal_input == state.minimal_input
        resumed = overhead(tmp_path, "run", "--resume", run, *where, timeout_s=900)
        assert resumed.returncode in (0, 1), resumed.stderr
    finally:
        lifecycle.down(NAME, state_root=labs)
    cells = Dataset(tmp_path / "datasets").scan("cells").collect()
    passed = cells.filter(status="passed")
    assert {"baseline", "placebo", "tool"} <= set(passed["kind"])
    assert set(passed["iteration"]) == {1, 2}


_KILL = """
import os, signal, sys, time
from pathlib import Path
pid, results = int(sys.argv[1]), Path(sys.argv[2])
until = time.monotonic() + 300
while len(list(results.rglob("metadata.json"))) < 2:
    if time.monotonic() > until:
        sys.exit(1)
    time.sleep(0.2)
time.sleep(3)
os.kill(pid, signal.SIGKILL)
"""
