"""How bootstrap runs probes on a host: over SSH, as root only where a probe needs it."""

from contextlib import asynccontextmanager

import asyncssh
import pytest

from tasks.discovery import probes
from tasks.model.environment import Layer, Node, SshSettings
from tasks.remote.probing import probe_over_ssh


@asynccontextmanager
async def recording_server(tmp_path):
    """An SSH server that runs nothing: its node, SSH settings, each (peer, command) it received."""
    host_key, client_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    client_key.write_private_key(tmp_path / "identity")
    client_key.write_public_key(tmp_path / "authorized_keys")
    commands: list[tuple[object, str]] = []

    def answer(process):
        commands.append((process.get_extra_info("peername"), process.command))
        process.exit(0)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        authorized_client_keys=str(tmp_path / "authorized_keys"),
        process_factory=answer,
    )
    port = server.sockets[0].getsockname()[1]
    public = host_key.export_public_key().decode()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    async with server:
        node = Node("h", Layer.HOST, "127.0.0.1", "bench", "/srv/bench", port)
        yield node, SshSettings(tmp_path / "known_hosts", tmp_path / "identity"), commands


@pytest.mark.parametrize(("probe", "times"), [(probes.BPF, 1), (probes.CLOCK, 0)])
async def test_sudo_is_applied_once_and_only_where_the_probe_needs_root(tmp_path, probe, times):
    async with recording_server(tmp_path) as (node, ssh, commands):
        async with probe_over_ssh(ssh) as run:
            answer = await run(node, probe.argv(node))
        assert answer.status == 0
        [(_, command)] = commands
        assert command.count("sudo -n") == times, command


async def test_a_node_is_connected_to_once_for_all_its_probes(tmp_path):
    async with recording_server(tmp_path) as (node, ssh, commands), probe_over_ssh(ssh) as run:
        for probe in (probes.CLOCK, probes.OVS):
            await run(node, probe.argv(node))
        assert len(commands) == 2
        assert len({peer for peer, _ in commands}) == 1
