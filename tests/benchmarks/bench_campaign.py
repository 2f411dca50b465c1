"""The cost of the harness on the real lab: time outside the windows, CPU on the hosts, memory.

    python -m tests.benchmarks.bench_campaign [--quick] [--window 5]

Each figure is a ratio of two things measured in the same run. Needs root and a quiet machine.
"""

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tasks.bootstrap import discover_environment
from tasks.hold_hosts import hold_hosts
from tasks.lab import lifecycle
from tasks.lab.state import LabState
from tasks.make_plan import make_plan_of
from tasks.model.plan import CaseKind, Plan
from tasks.model.settings import Measurement, Selection
from tasks.storage.run_folder import RunFolder

NAME = "bench"
GOALS = {5: 1.15, 10: 1.08}  # window in s -> wall time / total time of windows with warm-up
CPU_GOAL_PCT = 0.5
MEMORY_GOAL_MIB = 400
_LOADS = {"iperf3", "netperf", "netserver", "bpftrace"}


@dataclass(frozen=True)
class Process:
    command: str
    ticks: int  # its own and those of its reaped children


def processes_of(state: LabState) -> dict[int, Process]:
    """The processes of the lab's hosts, as the machine sees them."""
    namespaces = {
        Path(f"/proc/{_inner(host.pid)}/ns/pid").readlink() for host in state.hosts if host.pid
    }
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "ns/pid").readlink() in namespaces:
                head, _, tail = (entry / "stat").read_text().rpartition(")")
                ticks = sum(map(int, tail.split()[11:15]))
                found[int(entry.name)] = Process(head.partition("(")[2], ticks)
        except OSError:  # ended meanwhile
            continue
    return found


def _inner(pid: int) -> int:
    """The first process inside the namespaces that `pid` holds."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def windows_s(plan: Plan) -> float:
    """All windows of the plan with their declared warm-up."""
    cells = (w for s in plan.slots for w in plan.workloads_in(s))
    return sum(w.window_s + w.warmup_s for w in cells)


async def wall_over_windows(
    config: Path, folder: Path, window_s: int, workloads: list[str]
) -> float:
    """Wall time from the first connection until the hosts are free, over the windows."""
    settings = Measurement(
        iterations=1, window_s=window_s, workloads=workloads, placebos=1, max_load=64.0, seed=1
    )
    plan = make_plan_of(config, Selection(tools=["rx_size_histogram"]), settings)
    run_folder = RunFolder.create(folder / NAME, config, folder.name, plan)
    begun = time.monotonic()
    async with hold_hosts(run_folder, min_free_mib=64, keep_on_hosts=False) as session:
        for slot in session.left():
            await session.run(slot)
        again = [o for o in session.outcomes.values() if o.key.attempt > 1]
    wall_s = time.monotonic() - begun
    passed = sum(o.status == "passed" for o in session.outcomes.values())
    print(
        f"  window {window_s} s: {wall_s:.1f} s for {windows_s(plan):.0f} s of windows, "
        f"{passed} of {len(session.outcomes)} cells passed, {len(again)} of them run twice"
    )
    return wall_s / windows_s(plan)


async def harness_cpu_pct(config: Path, folder: Path, state: LabState) -> float:
    """CPU of everything of ours on the hosts (no load, no tool) inside one 10 s window."""
    settings = Measurement(
        iterations=1, workloads=["latency_tcp_rr"], placebos=1, attribution_s=0, max_load=64.0
    )
    plan = make_plan_of(config, Selection(tools=["rx_size_histogram"]), settings)
    run_folder = RunFolder.create(folder / NAME, config, folder.name, plan)
    spent: list[float] = []

    async def watch() -> None:
        """From a second after the load's start until a second before its end."""
        while True:
            await asyncio.sleep(0.1)
            loads = [p for p in processes_of(state).values() if p.command == "netperf"]
            if not loads:
                continue
            await asyncio.sleep(2.5)  # past the warm-up and the start snapshot
            before = processes_of(state)
            await asyncio.sleep(7.0)
            after = processes_of(state)
            ticks = sum(
                p.ticks - (before[pid].ticks if pid in before else 0)
                for pid, p in after.items()
                if p.command not in _LOADS
            )
            spent.append(ticks / 7.0)  # at 100 ticks per second, this is % of one CPU
            await asyncio.sleep(2)

    async with hold_hosts(run_folder, min_free_mib=64, keep_on_hosts=False) as session:
        for slot in session.left():
            if plan.case(slot.case_id, slot.layer).kind is CaseKind.TOOL:
                watcher = asyncio.create_task(watch())
                await session.run(slot)
                watcher.cancel()
    return sum(spent) / len(spent) / len(state.hosts)


def whole_run_mib(config: Path, folder: Path) -> float:
    """Peak memory of `ebpf-overhead run` from the plan to the report."""
    argv = [sys.executable, "-m", "flows.cli", "run", "--config-dir", str(config)]
    argv += ["--iterations", "4", "--window", "1", "--workloads", "quick", "--max-load", "64"]
    argv += ["--min-free", "64", "--results-dir", str(folder / "results")]
    argv += ["--datasets", str(folder / "datasets"), "--output-dir", str(folder / "reports")]
    run, peak_kib = subprocess.Popen(argv, stdout=subprocess.DEVNULL), 0
    while run.poll() is None:
        status = Path(f"/proc/{run.pid}/status").read_text()
        peak_kib = max([peak_kib, *map(int, re.findall(r"VmHWM:\s+(\d+) kB", status))])
        time.sleep(0.2)
    if run.returncode not in (0, 1):  # 1: a cell of this small campaign was invalid
        raise RuntimeError(f"`run` ended with {run.returncode}")
    return peak_kib / 1024


async def main(quick: bool, only_s: int | None) -> int:
    scratch = Path(tempfile.mkdtemp(prefix="bench-"))
    state = lifecycle.up(NAME)
    missed = 0
    try:
        await discover_environment(state.minimal_input, scratch / "config")
        config = scratch / "config"
        cpu = await harness_cpu_pct(config, scratch / "cpu", state)
        missed += cpu > CPU_GOAL_PCT
        print(f"harness on a measured host: {cpu:.2f} % of one CPU (goal < {CPU_GOAL_PCT} %)")
        for window_s, goal in GOALS.items():
            if only_s not in (None, window_s):
                continue
            workloads = ["quick"] if quick else ["full"]
            ratio = await wall_over_windows(
                config, scratch / f"window{window_s}", window_s, workloads
            )
            missed += ratio > goal
            print(f"wall / windows at {window_s} s: {ratio:.3f} (goal ≤ {goal})")
        peak_mib = whole_run_mib(config, scratch)
        missed += peak_mib > MEMORY_GOAL_MIB
        print(f"peak memory of a whole run: {peak_mib:.0f} MiB (goal < {MEMORY_GOAL_MIB} MiB)")
    finally:
        lifecycle.down(NAME)
        shutil.rmtree(scratch)
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three workloads instead of ten")
    parser.add_argument("--window", type=int, choices=GOALS, help="only this window, seconds")
    options = parser.parse_args()
    raise SystemExit(asyncio.run(main(options.quick, options.window)))
