"""Lost SSH sessions, listeners, links and fetches: a cell counts as a whole or not at all."""

import asyncio
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.execution import cell_run
from tasks.lab.state import HOSTS, read_layout
from tasks.model.errors import CommandFailed, HostsBusy, TransportLost
from tasks.remote.held_host import HeldHost, holding

from .fault_bench import (
    BASELINE,
    CLIENT,
    SERVER,
    Bench,
    alive,
    cells,
    drive,
    final_states,
    here,
    load,
    placebo,
    start,
    until,
)

pytestmark = pytest.mark.lab


def end_session(bench: Bench, host: HeldHost) -> None:
    """Kills the sshd process that carries our connection on the host."""
    bench.inside(host.node.name, "kill", "-KILL", str(host.own_pids[-1]))


def attempts(folder: Path) -> list[tuple[str, str, int, str, str | None]]:
    rows = cells(folder).select("case", "workload", "attempt", "status", "gate")
    return rows.rows()


async def running(bench: Bench, program: str = "iperf3") -> None:
    await until(lambda: len(bench.processes(program)) >= 2)
    await asyncio.sleep(0.5)


async def test_a_killed_ssh_session_leaves_a_clean_host_and_the_cell_is_measured_again(
    bench: Bench,
):
    folder = bench.lay_out([BASELINE], [load(window_s=3)])
    async with bench.held(folder) as campaign:
        measuring = asyncio.create_task(campaign.run(campaign.left()[0]))
        await running(bench)
        started = bench.processes("iperf3")
        end_session(bench, campaign.site.shells[SERVER])
        await until(lambda: not any(map(alive, started)), 10)
        await measuring
    assert attempts(folder) == [
        ("baseline", "throughput_single_tcp", 1, "invalid", "transport"),
        ("baseline", "throughput_single_tcp", 2, "passed", None),
    ]


async def test_a_failed_fetch_is_retried_without_measuring_again(bench: Bench, monkeypatch):
    collect, lost = HeldHost.collect, []

    async def lose_the_first(self, base, paths, into):
        if not lost and self.node.name == SERVER:
            lost.append(self)
            end_session(bench, self)
            await asyncio.sleep(0.5)
        return await collect(self, base, paths, into)

    monkeypatch.setattr(HeldHost, "collect", lose_the_first)
    folder = bench.lay_out([BASELINE], [load()])
    await bench.measure(folder)
    assert lost
    assert attempts(folder) == [("baseline", "throughput_single_tcp", 1, "passed", None)]


async def test_a_fetch_that_keeps_failing_is_retried_at_the_end_of_the_slot(
    bench: Bench, monkeypatch
):
    collect, tries = HeldHost.collect, []

    async def refuse(self, base, paths, into):
        tries.append(self.node.name)
        if tries.count(SERVER) <= 4 and self.node.name == SERVER:
            raise TransportLost(SERVER, "the network says no")
        return await collect(self, base, paths, into)

    monkeypatch.setattr(HeldHost, "collect", refuse)
    monkeypatch.setattr(cell_run, "_FETCH_AGAIN_S", (0.1, 0.1, 0.1))
    folder = bench.lay_out([BASELINE], [load()])
    await bench.measure(folder)
    assert tries.count(SERVER) == 5
    assert attempts(folder) == [("baseline", "throughput_single_tcp", 1, "passed", None)]
    assert final_states(folder) == {("baseline", "throughput_single_tcp"): "passed"}


@pytest.mark.parametrize("seconds", [3, 12, pytest.param(60, marks=pytest.mark.slow)])
async def test_a_management_link_outage_never_passes_as_data(bench: Bench, seconds: int):
    layout = read_layout(bench.lab.directory)
    link = layout.link(next(node for node in HOSTS if node.name == SERVER))
    folder = bench.lay_out([BASELINE, BASELINE], [load(window_s=4)])
    async with bench.held(folder) as campaign:
        first, second = campaign.left()
        measuring = asyncio.create_task(campaign.run(first))
        await running(bench)
        here("ip", "link", "set", link, "down")
        try:
            await asyncio.sleep(seconds)
        finally:
            here("ip", "link", "set", link, "up")
        await asyncio.wait_for(measuring, 120)
        await campaign.run(second)
    rows = cells(folder)
    if seconds > 9:  # keepalive gives up: what ran there is unknown
        first = rows.row(0, named=True)
        assert (first["status"], first["gate"]) == ("invalid", "transport")
    passed = rows.filter(status="passed")
    assert passed["position"].to_list() == [0, 1]
    assert passed["window_s"].is_between(3.2, 4.8).all(), "a late snapshot does not end a window"


async def test_a_test_link_outage_never_passes_as_data(bench: Bench):
    folder = bench.lay_out([BASELINE], [load(window_s=5)])
    async with bench.held(folder) as campaign:
        interface = campaign.site.pair(campaign.left()[0].layer).server_interface
        measuring = asyncio.create_task(campaign.run(campaign.left()[0]))
        await running(bench)
        bench.inside(SERVER, "ip", "link", "set", interface, "down")
        await asyncio.sleep(3)
        bench.inside(SERVER, "ip", "link", "set", interface, "up")
        await asyncio.wait_for(measuring, 90)
    assert [a[3:] for a in attempts(folder)] == [("invalid", "complete"), ("passed", None)]


async def test_a_connection_is_reopened_when_the_listener_is_back(sshd, tmp_path: Path):
    """The SSH session continues without the listener; the next connection waits for it."""
    port = sshd.node.port + 1
    node = replace(sshd.node, port=port)
    ssh = sshd.with_known_hosts(
        sshd.ssh.known_hosts.read_text().replace(f":{sshd.node.port}", f":{port}")
    )
    argv = ["/usr/sbin/sshd", "-D", "-f", f"{sshd.directory}/sshd_config",
            "-o", f"ListenAddress=127.0.0.1:{port}", "-o", "PidFile=none"]  # fmt: skip
    (sshd.directory / "second_config").write_text(
        (sshd.directory / "sshd_config")
        .read_text()
        .replace(f"Port {sshd.node.port}", f"Port {port}")
    )
    argv[3] = f"{sshd.directory}/second_config"
    listener = start(*argv)
    host = HeldHost(node, ssh, f"t-listener-{os.getpid()}", "me", sudo=False)
    try:
        await asyncio.sleep(0.3)
        await host.open()
        listener.kill()
        listener.wait()
        done = await host.start(("sleep", "0.2"), deadline_s=10)
        assert await done.wait() == 0, "a running program continues"
        reopening = asyncio.create_task(host.reopen())
        await asyncio.sleep(5)
        assert not reopening.done()
        listener = start(*argv)
        await asyncio.wait_for(reopening, 20)
        assert (await host.run(("true",))).status == 0
    finally:
        await host.close()
        listener.kill()
        listener.wait()


async def test_a_child_that_keeps_the_pipe_open_does_not_block_the_command(bench: Bench):
    folder = bench.lay_out([BASELINE], [load()])
    async with bench.held(folder) as campaign:
        began = time.monotonic()
        with pytest.raises((TransportLost, CommandFailed)):
            await campaign.site.shells[CLIENT].run(
                ("sh", "-c", "sleep 300 & echo started"), timeout_s=1
            )
        assert time.monotonic() - began < 13
        assert bench.processes("sleep 300")
        await campaign.run(campaign.left()[0])
    assert set(final_states(folder).values()) == {"passed"}


async def test_the_lock_of_a_silent_orchestrator_names_its_holder_and_is_released(bench: Bench):
    folder = bench.lay_out([BASELINE, placebo(1)], [load(window_s=30)])
    other = bench.lay_out([BASELINE], [load()])
    silent = drive(folder)
    try:
        assert silent.stdout.readline() == "held\n"
        await running(bench)
        silent.send_signal(signal.SIGSTOP)
        with pytest.raises(HostsBusy, match=folder.parent.name):
            async with bench.held(other):
                pass
        stopped, freed = time.monotonic(), False
        while not freed:
            try:
                async with bench.held(other) as campaign:
                    freed = True
                    await campaign.run(campaign.left()[0])
            except HostsBusy:
                assert time.monotonic() - stopped < 60
                await asyncio.sleep(1)
    finally:
        silent.kill()
        silent.wait()
    assert set(final_states(other).values()) == {"passed"}


async def test_locks_are_taken_in_the_order_of_addresses(bench: Bench, monkeypatch):
    order: list[str] = []
    open_ = HeldHost.open

    async def recorded(self):
        order.append(self.node.host)
        await open_(self)

    monkeypatch.setattr(HeldHost, "open", recorded)
    folder = bench.lay_out([BASELINE], [load()])
    async with bench.held(folder) as campaign:
        environment = campaign.site.environment
    for nodes in (environment.nodes.values(), reversed(environment.nodes.values())):
        async with holding(nodes, environment.ssh, bench.runs[0], "me"):
            pass
    assert order == sorted(order[:2]) * 3
