"""A reserved host over a real sshd: its connection is lost and opened again."""

import asyncio

import pytest

from tasks.model.errors import HostKeyRejected, HostsBusy
from tasks.remote.connection import Connection
from tasks.remote.held_host import HeldHost
from tasks.remote.supervisor import Supervisor


async def test_after_a_lost_connection_commands_use_the_new_one(sshd, tmp_path):
    host = HeldHost(sshd.node, sshd.ssh, "t-again", "me", sudo=False)
    await host.open()
    host._connection.transport.abort()
    await asyncio.sleep(0.2)
    await host.revive()
    assert (await host.run(("true",))).status == 0
    program = await host.start(("sh", "-c", "echo x"), deadline_s=5, stdout=str(tmp_path / "out"))
    assert await program.wait() == 0
    await host.snap("start", str(tmp_path / "snap"))
    await host.undo("one", ("touch", str(tmp_path / "never")))
    await host.undone("one")
    await host.close()
    assert {path.name for path in tmp_path.iterdir()} == {"out", "snap"}


async def test_a_host_that_could_not_be_reserved_again_is_not_alive(sshd, monkeypatch):
    monkeypatch.setattr("tasks.remote.held_host._RECONNECT_S", (0.1,))
    host = HeldHost(sshd.node, sshd.ssh, "t-revive", "me", sudo=False)
    await host.open()
    await host.close()
    async with Connection(sshd.node, sshd.ssh) as another:
        holder = Supervisor(another, "t-other", "bob")
        await holder.open()
        for _ in range(2):
            with pytest.raises(HostsBusy, match="bob"):
                await host.revive()
        await holder.close()
    await host.revive()
    assert (await host.run(("true",))).status == 0
    await host.close()


async def test_a_host_key_that_changed_meanwhile_is_refused_without_retries(sshd, monkeypatch):
    host = HeldHost(sshd.node, sshd.ssh, "t-key", "me", sudo=False)
    await host.open()
    await host.close()
    tried, opened = [], Connection.open

    async def counted(self):
        tried.append(self)
        await opened(self)

    monkeypatch.setattr(Connection, "open", counted)
    host._ssh = sshd.with_known_hosts("")
    with pytest.raises(HostKeyRejected):
        await host.revive()
    assert len(tried) == 1
