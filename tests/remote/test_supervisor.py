"""The supervisor over a real sshd: it ends what it started and leaves no residue."""

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tasks.model.errors import HostsBusy, TransportLost
from tasks.remote.connection import Connection
from tasks.remote.supervisor import Supervisor


def carrying(run: str) -> list[int]:
    """Pids of processes with this run's mark in their environment."""
    mark = f"EBPF_OVERHEAD_RUN={run}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


async def gone(run: str, within_s: float) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if not carrying(run) and not Path(f"/tmp/ebpf-overhead-{run}").exists():
            return True
        await asyncio.sleep(0.1)
    return False


@pytest.fixture
async def connection(sshd):
    async with Connection(sshd.node, sshd.ssh) as host:
        yield host


async def test_a_program_writes_to_its_file_and_returns_its_status(connection, tmp_path):
    supervisor = Supervisor(connection, "t-status", "me")
    await supervisor.open()
    out = tmp_path / "out"
    program = await supervisor.start(
        ("sh", "-c", "echo $A; exit 5"), deadline_s=30, stdout=str(out), env={"A": "x y"}
    )
    assert await program.wait() == 5
    assert out.read_text() == "x y\n"
    await supervisor.close()
    assert await gone("t-status", 1)


async def test_stop_ends_the_whole_process_session(connection):
    supervisor = Supervisor(connection, "t-stop", "me")
    await supervisor.open()
    program = await supervisor.start(("sh", "-c", "sleep 300 & sleep 300"), deadline_s=300)
    await asyncio.sleep(0.2)
    assert len(carrying("t-stop")) >= 2
    assert await program.stop() == 143
    assert carrying("t-stop") == []
    await supervisor.close()


async def test_a_program_that_ignores_term_is_killed_after_its_grace(connection):
    supervisor = Supervisor(connection, "t-kill", "me")
    await supervisor.open()
    stubborn = ("sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    program = await supervisor.start(stubborn, deadline_s=300)
    await asyncio.sleep(0.2)
    assert await program.stop(grace_s=1) == 137
    await supervisor.close()
    assert await gone("t-kill", 2)


async def test_the_host_ends_a_program_at_its_deadline(connection):
    supervisor = Supervisor(connection, "t-deadline", "me")
    await supervisor.open()
    program = await supervisor.start(("sleep", "300"), deadline_s=1)
    assert await asyncio.wait_for(program.wait(), 6) == 143
    await supervisor.close()


async def test_a_daemon_that_left_its_session_ends_with_its_program_and_no_other(connection):
    supervisor = Supervisor(connection, "t-daemon", "me")
    await supervisor.open()
    other = await supervisor.start(("sleep", "300"), deadline_s=300)
    script = "setsid -f sleep 300; sleep 0.3"
    program = await supervisor.start(("sh", "-c", script), deadline_s=300)
    await asyncio.sleep(0.2)
    assert len(carrying("t-daemon")) >= 3
    await program.wait()
    assert carrying("t-daemon") == [other.pid]
    await supervisor.close()
    assert await gone("t-daemon", 1)


async def test_a_program_ignores_no_signals(connection, tmp_path):
    supervisor = Supervisor(connection, "t-signals", "me")
    await supervisor.open()
    out = tmp_path / "status"
    program = await supervisor.start(
        ("grep", "SigIgn", "/proc/self/status"), deadline_s=30, stdout=str(out)
    )
    await program.wait()
    ignored = int(out.read_text().split()[1], 16)
    for signal in (1, 10, 13, 15):  # HUP, USR1, PIPE, TERM
        assert not ignored >> (signal - 1) & 1, signal
    await supervisor.close()


@pytest.fixture
def full_disk(tmp_path):
    """A folder in which files can be created but nothing can be written to them."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", folder], check=True)
    (folder / "filler").write_bytes(b"x" * 4096)
    yield folder
    subprocess.run(["umount", folder], check=True)


async def test_heartbeats_deadlines_and_stops_work_on_a_full_disk(
    connection, monkeypatch, full_disk
):
    monkeypatch.setattr("tasks.remote.supervisor._BEAT_S", 0.5)
    supervisor = Supervisor(connection, "t-full", "me", lease_s=2)
    supervisor._dir = f"{full_disk}/state"
    await supervisor.open()
    late = await supervisor.start(("sleep", "300"), deadline_s=1)
    stopped = await supervisor.start(("sleep", "300"), deadline_s=300)
    await asyncio.sleep(3)
    assert await stopped.stop() == 143
    assert await asyncio.wait_for(late.wait(), 5) == 143
    await supervisor.close()


async def test_a_lost_connection_ends_everything_and_gives_no_result(sshd):
    connection = Connection(sshd.node, sshd.ssh)
    await connection.open()
    supervisor = Supervisor(connection, "t-lost", "me")
    await supervisor.open()
    program = await supervisor.start(("sleep", "300"), deadline_s=300)
    connection.transport.abort()
    with pytest.raises(TransportLost):
        await asyncio.wait_for(program.wait(), 5)
    assert await gone("t-lost", 10)
    await supervisor.close()


async def test_without_heartbeats_for_the_lease_everything_ends(connection, monkeypatch):
    monkeypatch.setattr("tasks.remote.supervisor._BEAT_S", 3600.0)
    supervisor = Supervisor(connection, "t-lease", "me", lease_s=2)
    await supervisor.open()
    program = await supervisor.start(("sleep", "300"), deadline_s=300)
    await asyncio.sleep(0.2)
    assert carrying("t-lease")
    assert await gone("t-lease", 10)
    assert await program.wait() == 143
    with pytest.raises(TransportLost):
        await supervisor.start(("true",), deadline_s=5)
    await supervisor.close()


async def test_a_second_run_is_refused_naming_the_holder(sshd, connection):
    first = Supervisor(connection, "t-first", "alice@desk run t-first")
    await first.open()
    async with Connection(sshd.node, sshd.ssh) as again:
        with pytest.raises(HostsBusy) as caught:
            await Supervisor(again, "t-second", "bob").open()
    assert caught.value.exit_code == 75
    assert "alice@desk run t-first" in str(caught.value)
    await first.close()
    async with Connection(sshd.node, sshd.ssh) as again:
        second = Supervisor(again, "t-third", "bob")
        await second.open()
        await second.close()


async def test_an_orphan_keeps_the_lock_until_it_ends(sshd):
    connection = Connection(sshd.node, sshd.ssh)
    await connection.open()
    supervisor = Supervisor(connection, "t-orphan", "the dead one")
    await supervisor.open()
    program = await supervisor.start(("sleep", "300"), deadline_s=300)
    shells = await connection.run(("pgrep", "-f", "[s]upervisor t-orphan"))
    for pid in map(int, shells.stdout.split()):
        os.kill(pid, 9)
    await connection.close()
    async with Connection(sshd.node, sshd.ssh) as again:
        with pytest.raises(HostsBusy, match="the dead one"):
            await Supervisor(again, "t-next", "next").open()
        os.kill(program.pid, 9)
        await asyncio.sleep(0.2)
        free = Supervisor(again, "t-next", "next")
        await free.open()
        await free.close()
    shutil.rmtree("/tmp/ebpf-overhead-t-orphan")


async def test_a_change_on_the_host_is_undone_unless_it_was_undone_before(connection, tmp_path):
    supervisor = Supervisor(connection, "t-undo", "me")
    await supervisor.open()
    await supervisor.undo("one", ("touch", str(tmp_path / "it's undone")))
    await supervisor.undo("two", ("touch", str(tmp_path / "never")))
    await supervisor.undone("two")
    await supervisor.close()
    assert [p.name for p in tmp_path.iterdir()] == ["it's undone"]


async def test_a_snapshot_contains_clocks_counters_and_processes(connection, tmp_path):
    supervisor = Supervisor(connection, "t-snap", "me")
    await supervisor.open()
    before = time.time()
    await supervisor.snap("start", str(tmp_path / "snap"))
    await supervisor.snap("end", str(tmp_path / "snap"))
    await supervisor.close()
    lines = (tmp_path / "snap").read_text().splitlines()
    assert [line for line in lines if line.startswith("@ ")] == ["@ start", "@ end"]
    assert abs(float(lines[1]) - before) < 5
    assert sum(line.startswith("cpu ") for line in lines) == 2
    assert any(line.lstrip().startswith("lo:") for line in lines)
    assert any(f"{os.getpid()} (" in line for line in lines)


async def test_a_host_that_does_not_answer_counts_as_lost_after_a_limit(sshd, monkeypatch):
    monkeypatch.setattr("tasks.remote.supervisor._ANSWER_S", 0.5)
    monkeypatch.setattr("tasks.remote.supervisor._SCRIPT", "exec sleep 5")
    async with Connection(sshd.node, sshd.ssh) as connection:
        with pytest.raises(TransportLost, match="no answer"):
            await Supervisor(connection, "t-mute", "me").open()


def uptime_s() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


def snapshot_uptimes(file: Path) -> list[float]:
    lines = file.read_text().splitlines()
    return [float(lines[i + 2].split()[0]) for i, line in enumerate(lines) if line[:2] == "@ "]


async def test_a_window_is_measured_by_the_host_at_the_uptime_that_it_was_told(
    connection, tmp_path
):
    supervisor = Supervisor(connection, "t-window", "me")
    await supervisor.open()
    at_s = uptime_s() + 1.5
    await supervisor.measure(at_s, 2.0, str(tmp_path / "snap"))
    start_s, end_s = snapshot_uptimes(tmp_path / "snap")
    assert at_s - 0.02 <= start_s < at_s + 1
    assert 2.0 <= end_s - start_s < 3
    assert uptime_s() > end_s + 0.9  # the answer came after the load's own end
    await supervisor.close()
    assert await gone("t-window", 2)


async def test_nothing_is_sent_in_a_silent_window_however_long_and_the_run_lives_on(
    connection, tmp_path, monkeypatch
):
    """The lease would end everything three times over in this window."""
    monkeypatch.setattr("tasks.remote.supervisor._BEAT_S", 0.1)
    supervisor = Supervisor(connection, "t-silent", "me", lease_s=2)
    await supervisor.open()
    program = await supervisor.start(("sleep", "60"), deadline_s=60)
    sent, send = [], supervisor._send
    monkeypatch.setattr(supervisor, "_send", lambda line: (sent.append(line), send(line))[1])
    await supervisor.measure(uptime_s() + 0.5, 6.0, str(tmp_path / "snap"))
    assert [line.split()[0] for line in sent] == ["window"]
    assert program.running
    await asyncio.sleep(0.5)
    assert "beat" in sent  # and not silent for ever
    await supervisor.close()


async def test_a_connection_that_is_lost_in_a_silent_window_ends_everything(sshd, tmp_path):
    async with Connection(sshd.node, sshd.ssh) as connection:
        supervisor = Supervisor(connection, "t-cut", "me")
        await supervisor.open()
        await supervisor.start(("sleep", "300"), deadline_s=300)
        window = asyncio.ensure_future(supervisor.measure(uptime_s(), 60, str(tmp_path / "s")))
        await asyncio.sleep(0.5)
        connection.transport.abort()
        with pytest.raises(TransportLost):
            await asyncio.wait_for(window, 10)
    assert await gone("t-cut", 8)
