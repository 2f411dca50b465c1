"""Programs in the background are found again, can be ended, and are not confused with others."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.server import background
from tasks.model.names import ROOT

DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)\n"


def started(folder: Path, *argv: str) -> int:
    """Starts a program; returns its pid."""
    background.start(folder, "program", argv, os.environ, folder)
    return int(json.loads((folder / "program.json").read_text())["pid"])


def test_a_program_is_found_again_and_ended(tmp_path: Path) -> None:
    pid = started(tmp_path, "sleep", "60")
    found = background.running(tmp_path, "program")
    assert found is not None
    assert found.pid == pid
    assert os.getsid(pid) == pid  # outlives the terminal
    assert background.stop(tmp_path, "program")
    assert background.running(tmp_path, "program") is None
    assert not background.stop(tmp_path, "program")


def test_the_output_goes_to_a_log(tmp_path: Path) -> None:
    started(tmp_path, "sh", "-c", "echo said; exec sleep 60")
    while not (text := (tmp_path / "program.log").read_text()):
        pass
    background.stop(tmp_path, "program")
    assert text == "said\n"


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    pid = started(tmp_path, sys.executable, "-c", f"{DEAF}time.sleep(60)")
    while "deaf" not in (tmp_path / "program.log").read_text():
        pass
    assert background.stop(tmp_path, "program", grace_s=0.2)
    assert os.waitpid(pid, 0)[1] == 9


def test_a_program_that_has_ended_does_not_run(tmp_path: Path) -> None:
    started(tmp_path, "sleep", "0.1")
    time.sleep(0.5)  # it is a zombie now
    assert background.running(tmp_path, "program") is None


def test_a_program_that_nobody_waits_for_is_not_waited_for_either(tmp_path: Path) -> None:
    script = "from flows.server import background; import os, pathlib, sys, time\n"
    script += "folder = pathlib.Path(sys.argv[1])\n"
    script += "background.start(folder, 'program', ['sleep', '60'], os.environ, folder)\n"
    script += "print('started', flush=True); time.sleep(60)"
    parent = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert parent.stdout is not None
        parent.stdout.readline()
        begun = time.monotonic()
        assert background.stop(tmp_path, "program", grace_s=5.0)
        assert time.monotonic() - begun < 3
    finally:
        parent.kill()
        parent.communicate()


@pytest.mark.parametrize("off", [-1, 1])
def test_another_process_with_the_same_pid_is_never_signalled(tmp_path: Path, off: int) -> None:
    other = subprocess.Popen(["sleep", "60"])
    background.start(tmp_path, "program", ["sleep", "0"], os.environ, tmp_path)
    file = tmp_path / "program.json"
    ticks = int(Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[19])
    file.write_text(json.dumps({"pid": other.pid, "started": ticks + off}))
    try:
        assert not background.stop(tmp_path, "program")
        assert other.poll() is None
        file.write_text(json.dumps({"pid": other.pid, "started": ticks}))
        assert background.running(tmp_path, "program") is not None
    finally:
        other.kill()
        other.wait()
