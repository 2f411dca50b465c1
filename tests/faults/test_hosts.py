"""Faults of hosts: full disks, clock steps, foreign processes, changed settings, hung servers."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tasks.hold_hosts import hold_hosts
from tasks.lab.machine import end
from tasks.model.errors import CommandFailed, InputError
from tasks.model.plan import Hook
from tasks.storage.run_folder import RunFolder

from .fault_bench import (
    BASELINE,
    CLIENT,
    SERVER,
    Bench,
    cells,
    final_states,
    load,
    placebo,
    signal_to,
    start,
    until,
)

pytestmark = pytest.mark.lab
TREE = "/srv/bench/performance-test-results"


def tries(folder: Path) -> list[tuple[int, str, str | None]]:
    return cells(folder).select("attempt", "status", "gate").rows()


def records(folder: Path, pattern: str = "client_results/*/*/metadata.json") -> list[dict]:
    found = [json.loads(path.read_text()) for path in folder.rglob(pattern)]
    return sorted(found, key=lambda record: record["started"])


async def test_too_little_free_disk_is_refused_before_anything_starts(bench: Bench):
    folder = bench.lay_out([BASELINE], [load()])
    with pytest.raises(InputError, match=r"host-.*MiB free; expected at least"):
        async with hold_hosts(RunFolder(folder), min_free_mib=10**9, keep_on_hosts=False):
            pass
    assert not (folder / "outcomes.jsonl").exists()


async def test_a_disk_that_fills_up_invalidates_only_its_cell(bench: Bench):
    folder = bench.lay_out([BASELINE, BASELINE, BASELINE], [load(window_s=2)])
    bench.inside(SERVER, "mkdir", "-p", TREE)
    bench.inside(SERVER, "mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", TREE)
    try:
        async with bench.held(folder) as campaign:
            first, second, third = campaign.left()
            await campaign.run(first)
            bench.inside(SERVER, "sh", "-c", f"cat /dev/zero >{TREE}/filler || true")
            await campaign.run(second)
            bench.inside(SERVER, "rm", f"{TREE}/filler")
            await campaign.run(third)
    finally:
        bench.inside(SERVER, "umount", TREE)
    statuses = cells(folder).select("position", "status").unique().sort("position").rows()
    assert statuses == [(0, "passed"), (1, "invalid"), (2, "passed")]


@contextmanager
def skewed(bench: Bench, host: str, shift: str) -> Iterator[None]:
    """Replaces `date` on that host: its time is shifted by the seconds that the shell line `shift`
    prints."""
    script = (
        "#!/bin/sh\nreal=/run/real-date\n"
        'case "$*" in *%s.%N*) now=$($real +%s.%N); '
        f'echo "$((${{now%.*}} + $({shift}))).${{now#*.}}" ;; *) exec $real "$@" ;; esac\n'
    )
    make = 'cp /usr/bin/date /run/real-date; printf %s "$1" >/run/date; chmod 755 /run/date; '
    bench.inside(host, "sh", "-c", make + "mount --bind /run/date /usr/bin/date", "sh", script)
    try:
        yield
    finally:
        bench.inside(host, "umount", "/usr/bin/date")


@pytest.mark.parametrize("skew_s", [3600, -3600])
async def test_a_clock_offset_of_an_hour_changes_no_duration_and_is_recorded(
    bench: Bench, skew_s: int
):
    folder = bench.lay_out([BASELINE], [load()])
    with skewed(bench, SERVER, f"echo {skew_s}"):
        await bench.measure(folder)
    assert tries(folder) == [(1, "passed", None)]
    (record,) = records(folder)
    assert record["clock_offset_s"][SERVER] == pytest.approx(skew_s, abs=1)
    assert record["clock_offset_s"][CLIENT] == pytest.approx(0, abs=0.5)
    assert 0 < record["clock_error_s"][SERVER] < 0.5
    assert cells(folder)["window_s"].item() == pytest.approx(0.8, abs=0.4)


async def test_a_clock_set_during_a_window_invalidates_that_cell(bench: Bench):
    folder = bench.lay_out([BASELINE], [load(window_s=3)])
    stepped = "[ -e /run/stepped ] && echo 3600 || echo 0"
    with skewed(bench, SERVER, stepped):
        async with bench.held(folder) as campaign:
            measuring = asyncio.create_task(campaign.run(campaign.left()[0]))
            await until(lambda: len(bench.processes("iperf3")) >= 2)
            await asyncio.sleep(1)
            bench.inside(SERVER, "touch", "/run/stepped")
            await measuring
    bench.inside(SERVER, "rm", "/run/stepped")
    assert tries(folder) == [(1, "invalid", "complete"), (2, "passed", None)]
    assert "its clock was set by +3600.0 s" in cells(folder)["reason"][0]


async def test_a_server_that_hangs_is_ended_and_the_next_cell_starts_a_new_one(bench: Bench):
    folder = bench.lay_out([BASELINE], [load(window_s=2), load("throughput_multi_tcp")])
    began = time.monotonic()
    async with bench.held(folder) as campaign:
        measuring = asyncio.create_task(campaign.run(campaign.left()[0]))
        await until(lambda: len(bench.processes("iperf3")) >= 2)
        await asyncio.sleep(0.5)
        signal_to(bench.processes("iperf3 -s") or bench.processes("--server"), signal.SIGSTOP)
        await measuring
    assert time.monotonic() - began < 60
    assert final_states(folder) == {
        ("baseline", "throughput_single_tcp"): "passed",
        ("baseline", "throughput_multi_tcp"): "passed",
    }
    stuck = cells(folder).filter(workload="throughput_single_tcp")
    assert stuck["status"].to_list() == ["invalid", "passed"]
    ports = [port for record in records(folder) for port in record["ports"]]
    assert len(set(ports)) == len(ports)


async def test_a_foreign_process_is_detected_even_if_it_is_named_iperf3(bench: Bench):
    folder = bench.lay_out([BASELINE], [load()])
    work = "exec timeout 120 /tmp/iperf3 if=/dev/zero of=/dev/null bs=512"
    busy = f"cp $(command -v dd) /tmp/iperf3 && {work}"
    space = f"--pid=/proc/{bench.pid(SERVER)}/ns/pid_for_children"
    target = f"--target={bench.pid(SERVER)}"
    foreign = start("nsenter", target, "--mount", space, "--", "sh", "-c", busy)
    try:
        await asyncio.sleep(1)
        await bench.measure(folder)
    finally:
        for child in psutil.Process(foreign.pid).children():
            for grandchild in child.children():
                end(grandchild)
        foreign.wait(10)
        bench.inside(SERVER, "rm", "/tmp/iperf3")
    assert tries(folder) == [(1, "invalid", "quiet_host"), (2, "invalid", "quiet_host")]
    assert f"{SERVER}: iperf3[" in cells(folder)["reason"][0]


async def test_a_kernel_warning_during_a_slot_is_reported_once(bench: Bench):
    folder = bench.lay_out([BASELINE], [load(window_s=2)])
    async with bench.held(folder) as campaign:
        measuring = asyncio.create_task(campaign.run(campaign.left()[0]))
        await until(lambda: len(bench.processes("iperf3")) >= 2)
        Path("/dev/kmsg").write_text("<6>a fault test: only informed\n")
        Path("/dev/kmsg").write_text("<4>a fault test: something is wrong\n")
        await measuring
    assert tries(folder) == [(1, "invalid", "quiet_host"), (2, "passed", None)]
    reason = cells(folder)["reason"][0]
    assert "something is wrong" in reason
    assert "only informed" not in reason


async def test_a_changed_nic_setting_fails_the_same_world_gate(bench: Bench):
    folder = bench.lay_out([BASELINE, placebo(1), placebo(2)], [load(window_s=2)])
    async with bench.held(folder) as campaign:
        device = campaign.site.pair(campaign.left()[0].layer).server_interface
        first, second, third = campaign.left()
        await campaign.run(first)
        bench.inside(SERVER, "ethtool", "-K", device, "gro", "on", "tso", "off")
        try:
            await campaign.run(second)
        finally:
            bench.inside(SERVER, "ethtool", "-K", device, "tso", "on", "gro", "off")
            bench.inside(SERVER, "ethtool", "-K", device, "gro", "on")
        await campaign.run(third)
    assert final_states(folder)["placebo_1", "throughput_single_tcp"] == "invalid same_world"
    epochs = dict(cells(folder).select("case", "epoch").rows())
    assert epochs["placebo_1"] != epochs["baseline"]


async def test_global_hooks_run_once_before_the_first_slot_and_once_after_the_last(bench: Bench):
    mark = "/srv/bench/of-a-hook"
    folder = bench.lay_out(
        [BASELINE, placebo(1), BASELINE],
        [load()],
        Hook("global", "init", "server", ("sh", "-c", f"echo begun >>{mark}")),
        Hook("global", "post", "server", ("sh", "-c", f"echo over >>{mark}")),
    )
    try:
        await bench.measure(folder)
        assert bench.inside(SERVER, "cat", mark).split() == ["begun", "over"]
    finally:
        bench.inside(SERVER, "rm", "-f", mark)
    steps = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    phases = [(step["level"], step["phase"]) for step in steps]
    assert (phases[0], phases[-1]) == (("global", "init"), ("global", "post"))
    assert set(final_states(folder).values()) == {"passed"}


async def test_if_a_global_hook_fails_nothing_is_started(bench: Bench):
    folder = bench.lay_out([BASELINE], [load()], Hook("global", "init", "client", ("false",)))
    with pytest.raises(CommandFailed, match="false"):
        await bench.measure(folder)
    assert not (folder / "outcomes.jsonl").exists()
