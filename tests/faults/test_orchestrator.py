"""Faults of the orchestrator: killed, interrupted, out of disk, started twice. Results are complete
or absent."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.planning.remaining import MEASURED_AGAIN
from tasks.storage.run_folder import RunFolder

from .fault_bench import (
    BASELINE,
    SERVER,
    Bench,
    carrying,
    cells,
    drive,
    final_states,
    here,
    load,
    placebo,
    planned,
    trips,
)

pytestmark = pytest.mark.lab
CLI = Path(sys.executable).with_name("ebpf-overhead")
SECRET = "canary-f00d-5ec2e7-never-in-any-output"


def journal(folder: Path) -> dict[tuple[int, int, str], str]:
    """PLACE -> the journal's outcome of every cell that has one."""
    outcomes = RunFolder(folder).outcomes()
    return {place[1:]: repr(outcome) for place, outcome in outcomes.items()}


async def test_a_run_killed_at_random_moments_resumes_and_measures_every_cell_once(bench: Bench):
    folder = bench.lay_out([BASELINE, placebo(1), BASELINE, placebo(2)], [load(), trips()])
    moments = random.Random(7)
    for _ in range(3):
        before = journal(folder)
        running = drive(folder)
        assert await asyncio.to_thread(running.stdout.readline) == "held\n"
        await asyncio.sleep(moments.uniform(0.5, 5))
        running.kill()
        running.communicate()
        after = journal(folder)
        assert before.items() <= after.items(), "a cell with an outcome was measured again"
    kept = journal(folder)
    assert len(kept) < len(planned(folder)), "the orchestrator must be killed before the run ends"
    ended = await asyncio.to_thread(lambda: drive(folder).communicate(timeout=90))
    assert "peak_mib" in ended[0], ended[1]
    assert kept.items() <= journal(folder).items()
    assert set(journal(folder)) == planned(folder)
    assert set(final_states(folder).values()) == {"passed"}


async def test_a_full_local_disk_ends_the_run_and_leaves_no_incomplete_results(bench: Bench):
    bench.results.mkdir(parents=True)
    disk = ("mount", "-t", "tmpfs", "-o")
    here(*disk, "size=600k", "tmpfs", bench.results)
    try:
        folder = bench.lay_out([BASELINE, placebo(1), BASELINE], [load(), trips()])
        (folder / "filler").write_bytes(b"x" * 350_000)
        out, err = await asyncio.to_thread(lambda: drive(folder).communicate(timeout=90))
        assert "No space left on device" in err
        (folder / "filler").unlink()
        here(*disk, "remount,size=50m", "tmpfs", bench.results)
        out, err = await asyncio.to_thread(lambda: drive(folder).communicate(timeout=90))
        assert "peak_mib" in out, err
        assert set(journal(folder)) == planned(folder)
        assert set(final_states(folder).values()) == {"passed"}
    finally:
        rows = cells(folder)  # read before the disk is unmounted
        here("umount", bench.results)
    # There may be additional rows of cells that failed by chance and were measured again.
    again = rows.filter(status="invalid")
    assert set(again["gate"]) <= MEASURED_AGAIN
    assert rows.filter(status="passed").height == rows.height - again.height == 6


@pytest.fixture
def shell(bench: Bench, tmp_path: Path) -> Iterator["Shell"]:
    yield Shell(bench, tmp_path)


class Shell:
    """The command line with its own folders and a secret in its environment."""

    def __init__(self, bench: Bench, root: Path) -> None:
        self.bench, self.root = bench, root

    def run(self, *more: str) -> "subprocess.Popen[str]":
        argv = [
            CLI, "run", "--results-dir", self.bench.results, "--datasets", self.root / "datasets",
            "--output-dir", self.root / "reports", "--max-load", "99", *more,
        ]  # fmt: skip
        environment = {
            **os.environ,
            "PREFECT_HOME": str(self.root / "prefect"),
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }
        return subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )

    def measure(self, *more: str) -> "subprocess.Popen[str]":
        return self.run(
            "--config-dir", str(self.bench.config_dir), "--tools", "rx_size_histogram",
            "--placebos", "1", "--iterations", "2", "--window", "2", "--warmup", "0",
            "--workloads", "throughput_single_tcp", "--attribution", "0",
            "--monitor-interval", "1", *more,
        )  # fmt: skip

    def outcomes(self) -> list[dict]:
        files = self.bench.results.glob("*/*/outcomes.jsonl")
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def until_measured(self, count: int, running: "subprocess.Popen[str]") -> str:
        """Waits until `count` cells have an outcome; returns the run's id."""
        deadline = time.monotonic() + 90
        while len(self.outcomes()) < count:
            assert running.poll() is None, running.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return self._run()

    def until_loaded(self, running: "subprocess.Popen[str]") -> str:
        """Waits until a load runs; returns the run's id."""
        deadline = time.monotonic() + 90
        while not any(self.bench.results.glob("*/*/environment.json")):
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        run = self._run()
        while len(self.bench.processes("iperf3")) < 2:
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        return run

    def _run(self) -> str:
        (folder,) = self.bench.results.iterdir()
        self.bench.runs.append(folder.name)
        return folder.name


def test_a_second_orchestrator_reports_who_holds_the_hosts(bench: Bench, shell: Shell):
    folder = bench.lay_out([BASELINE], [load(window_s=120)])
    holder = drive(folder)
    try:
        assert holder.stdout.readline() == "held\n"
        second = shell.measure()
        output = second.communicate(timeout=90)[0]
        assert second.returncode == 75
        assert f"run {folder.parent.name}" in output
    finally:
        holder.send_signal(signal.SIGINT)
        holder.communicate()


def test_one_interrupt_cleans_the_hosts_and_resume_measures_only_the_rest(
    bench: Bench, shell: Shell
):
    first = shell.measure()
    run = shell.until_measured(2, first)
    first.send_signal(signal.SIGINT)
    began = time.monotonic()
    output = first.communicate(timeout=30)[0]
    assert first.returncode == 130, output
    assert f"--resume {run}" in output
    assert time.monotonic() - began < 20
    assert not carrying([run]), "its hosts must be clean when it has ended"
    (folder,) = (bench.results / run).iterdir()
    kept = journal(folder)
    assert kept

    second = shell.run("--resume", run)
    output = second.communicate(timeout=180)[0]
    assert second.returncode in (0, 1), output
    assert kept.items() <= journal(folder).items()
    rows = cells(folder)
    assert rows["status"].is_in(["passed", "invalid"]).all()
    _secret_is_nowhere(shell, output)


def _secret_is_nowhere(shell: Shell, output: str) -> None:
    private = (shell.bench.lab.directory / "identity").read_text().splitlines()[2]
    assert len(private) > 30
    found = subprocess.run(
        ["grep", "-rlaF", "-e", SECRET, "-e", private, shell.root], capture_output=True, text=True
    )
    assert found.stdout == ""
    for text in (SECRET, private):
        assert text not in output
        on_host = f"grep -rlaF -e {text} /srv/bench /tmp /run 2>/dev/null || true"
        assert shell.bench.inside(SERVER, "sh", "-c", on_host) == ""


def test_two_interrupts_end_it_at_once_and_the_lease_cleans_the_hosts(bench: Bench, shell: Shell):
    running = shell.measure("--window", "20")
    run = shell.until_loaded(running)
    running.send_signal(signal.SIGINT)
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    began = time.monotonic()
    output = running.communicate(timeout=30)[0]
    assert running.returncode == 130, output
    assert time.monotonic() - began < 5
    deadline = time.monotonic() + 10
    while carrying([run]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
