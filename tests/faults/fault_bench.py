"""A lab's two hosts, on which tests inject faults, and checks for what is left on them."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import psutil  # type: ignore[import-untyped]

from tasks.execution.session import Session
from tasks.hold_hosts import hold_hosts
from tasks.lab.machine import run, run_inside
from tasks.lab.state import LabState
from tasks.model.environment import Layer
from tasks.model.plan import Case, CaseKind, Design, Hook, Plan, Readiness, Slot, Workload
from tasks.reading import native
from tasks.storage.run_folder import RunFolder

PLACEBO = "sh measurement-tools/placebo.sh"
BASELINE = Case(0, "baseline", CaseKind.BASELINE, Layer.HOST)
SERVER, CLIENT = "host-server", "host-client"


def load(name: str = "throughput_single_tcp", window_s: float = 1.0) -> Workload:
    """A paced load, so that two labs on one machine do not take each other's CPU time."""
    return Workload(
        name, "throughput", "iperf3", "tcp", window_s=window_s, warmup_s=0, bandwidth="50M"
    )


def trips(window_s: float = 1.0) -> Workload:
    return Workload("latency_tcp_rr", "latency", "netperf", "tcp", window_s=window_s, warmup_s=0)


def placebo(id: int, command: str = PLACEBO, name: str = "") -> Case:
    return Case(id, name or f"placebo_{id}", CaseKind.PLACEBO, Layer.HOST, command, tool="placebo")


def tool(id: int, script: str, name: str, *, within_s: float = 5.0, programs: int = 1) -> Case:
    """A tool that runs this shell script."""
    readiness = Readiness(programs=programs, deadline_s=within_s)
    command = shlex.join(("sh", "-c", script))
    return Case(
        id, name, CaseKind.TOOL, Layer.HOST, command, tool=name, readiness=readiness
    )  # fmt: skip


ATTACHING = "exec bpftrace measurement-tools/lab/packet-path/rx_size_histogram.bt lo"
"""One of the lab's tools, which attaches two BPF programs."""


@dataclass
class Bench:
    """The hosts, and the runs that a test measures on them."""

    lab: LabState
    config_dir: Path
    results: Path
    runs: list[str] = field(default_factory=list)

    def lay_out(
        self,
        cases: Sequence[Case],
        workloads: Sequence[Workload],
        *hooks: Hook,
        **design: object,
    ) -> Path:
        """Lays out a run of these cases in this order; returns its run folder."""
        name = f"fault-{os.getpid()}-{time.monotonic_ns() % 10**9}"
        settings = {"max_load_1m": 99.0, "monitor_interval_s": 1.0, "attribution_s": 0.0, **design}
        plan = Plan(
            self.lab.name,
            Design(seed=1, iterations=1, **settings),  # type: ignore[arg-type]
            tuple(workloads),
            tuple({case.id: case for case in cases}.values()),
            tuple(Slot(1, place, Layer.HOST, case.id) for place, case in enumerate(cases)),
            hooks,
        )
        folder = self.results / name / self.lab.name
        RunFolder.create(folder, self.config_dir, name, plan)
        self.runs.append(name)
        return folder

    @asynccontextmanager
    async def held(self, folder: Path) -> AsyncIterator[Session]:
        async with hold_hosts(RunFolder(folder), min_free_mib=1, keep_on_hosts=False) as session:
            yield session

    async def measure(self, folder: Path) -> None:
        async with self.held(folder) as session:
            for slot in session.left():
                await session.run(slot)

    def pid(self, host: str) -> int:
        found = next(h.pid for h in self.lab.hosts if h.name == host)
        assert found is not None
        return found

    def inside(self, host: str, *argv: str) -> str:
        return run_inside(self.pid(host), *argv)

    def processes(self, mark: str) -> list[psutil.Process]:
        """Processes of this test's runs with `mark` in their command line."""
        found = []
        for pid in carrying(self.runs):
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if mark in " ".join(process.cmdline()):
                    found.append(process)
        return found


def carrying(runs: Sequence[str]) -> list[int]:
    """Processes of this machine, in any namespace, with the mark of one of these runs."""
    marks = [f"EBPF_OVERHEAD_RUN={name}".encode() for name in runs]
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                variables = (entry / "environ").read_bytes().split(b"\0")
                if any(mark in variables for mark in marks):
                    found.append(int(entry.name))
        except OSError:
            continue
    return found


def kernel_state(bench: Bench) -> dict[str, object]:
    """BPF objects not of other labs, both hosts' tc, XDP links and pins, and bpf_stats_enabled."""
    state: dict[str, object] = {}
    for kind in ("prog", "link"):
        listed = {entry["id"] for entry in json.loads(run("bpftool", "-j", kind, "list") or "[]")}
        state[kind] = listed - held_elsewhere(bench, f"{kind}_id:")
    for host in (SERVER, CLIENT):
        state[f"{host} tc"] = bench.inside(host, "tc", "qdisc", "show")
        state[f"{host} filters"] = bench.inside(
            host,
            "sh",
            "-c",
            "for d in /sys/class/net/*; do tc filter show dev ${d##*/} ingress; done",
        )
        state[f"{host} links"] = [
            line for line in bench.inside(host, "ip", "link").splitlines() if "xdp" in line
        ]
        state[f"{host} pins"] = bench.inside(host, "find", "/sys/fs/bpf", "-mindepth", "1")
    state["counting"] = Path("/proc/sys/kernel/bpf_stats_enabled").read_text()
    return state


def held_elsewhere(bench: Bench, field: str) -> set[int]:
    """BPF objects held by processes outside this lab, such as another lab's tools."""
    spaces = {_space(bench.pid(h), "pid_for_children") for h in (SERVER, CLIENT)}
    held = set()
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and _space(process.name, "pid") not in spaces:
                for info in (process / "fdinfo").iterdir():
                    lines = info.read_text().splitlines()
                    held |= {int(line.split()[1]) for line in lines if line.startswith(field)}
        except OSError:
            continue
    return held


def _space(pid: int | str, kind: str) -> str:
    return str(Path(f"/proc/{pid}/ns/{kind}").readlink())


def temporary_files(bench: Bench) -> list[str]:
    """Files that a run may use but must not leave, on the hosts and here."""
    found = [str(path) for path in bench.results.rglob(".*") if path.is_file()]
    for host in (SERVER, CLIENT):
        listing = bench.inside(
            host, "sh", "-c",
            "ls -d /tmp/ebpf-overhead-* 2>/dev/null; find /srv/bench -name '*.part';"
            "find /srv/bench/performance-test-results -type f 2>/dev/null; true",
        )  # fmt: skip
        found += [f"{host}: {line}" for line in listing.splitlines()]
    return found


def cells(folder: Path) -> pl.DataFrame:
    """All cells of the run as ingest reads them."""
    return native.read_environment(RunFolder(folder)).cells.sort(*PLACE, "attempt")


def final_states(folder: Path) -> dict[tuple[str, str], str]:
    """case, workload -> status and gate of the last attempt. A case must be in the plan once."""
    rows = cells(folder).group_by("case", "workload", maintain_order=True).last()
    return {
        (r["case"], r["workload"]): " ".join(filter(None, (r["status"], r["gate"])))
        for r in rows.iter_rows(named=True)
    }


PLACE = ("iteration", "position", "workload")


def planned(folder: Path) -> set[tuple[int, int, str]]:
    """PLACE of every cell of the plan."""
    document = json.loads((folder / "workflow.json").read_text())
    return {
        (slot["iteration"], slot["position"], workload["name"])
        for slot in document["slots"]
        for workload in document["workloads"]
    }


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        await asyncio.sleep(0.05)


def signal_to(processes: Sequence[psutil.Process], number: int) -> None:
    """Sends a signal to those processes that still run."""
    assert processes, "nothing to signal"
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; a zombie does not."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def start(*argv: object) -> "subprocess.Popen[str]":
    """Starts a process whose standard output and errors the test reads."""
    command = [str(word) for word in argv]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def drive(folder: Path) -> "subprocess.Popen[str]":
    """Starts an orchestrator process; it prints `held` when it has reserved the hosts."""
    return start(sys.executable, "-m", "tests.faults.drive", folder)


def here(*argv: object) -> None:
    """Runs a command on this machine, which must succeed."""
    run(*(str(word) for word in argv))
