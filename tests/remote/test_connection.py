import pickle
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.model.errors import (
    AuthRejected,
    CommandFailed,
    HostKeyRejected,
    Unreachable,
)
from tasks.remote.connection import Connection


async def test_a_command_returns_its_output_and_status(sshd):
    async with Connection(sshd.node, sshd.ssh) as host:
        done = await host.run(("sh", "-c", "echo out; echo err >&2; exit 3"), check=False)
    assert (done.status, done.stdout, done.stderr) == (3, "out\n", "err\n")


async def test_a_failed_command_names_host_command_status_and_stderr(sshd):
    async with Connection(sshd.node, sshd.ssh) as host:
        with pytest.raises(CommandFailed) as caught:
            await host.run(("sh", "-c", "echo no such thing >&2; exit 7"))
    for part in ("one", "exit 7", "status 7", "no such thing"):
        assert part in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


async def test_a_command_that_hangs_is_ended_on_the_host(sshd):
    async with Connection(sshd.node, sshd.ssh) as host:
        with pytest.raises(CommandFailed, match="timed out"):
            await host.run(("sleep", "61.5"), timeout_s=0.5)
        left = await host.run(("pgrep", "-f", "[s]leep 61.5"), check=False)
    assert left.stdout == ""


async def test_metacharacters_reach_the_program_unchanged(sshd, tmp_path: Path):
    canary = tmp_path / "canary"
    nasty = f"$(touch {canary}); `touch {canary}` & | > < ' \" \\ * ~ \n two\tthree"
    async with Connection(sshd.node, sshd.ssh) as host:
        done = await host.run(("printf", "%s", nasty))
    assert done.stdout == nasty
    assert not canary.exists()


OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHW3zBiXl1TO1UvIbqtFUOGwdYxE9YMXVgT3ZqC6XZ5s"


async def test_a_changed_host_key_is_refused_and_no_command_runs(sshd, tmp_path: Path):
    ssh = sshd.with_known_hosts(f"[127.0.0.1]:{sshd.node.port} {OTHER_KEY}\n")
    with pytest.raises(HostKeyRejected, match="has changed") as caught:
        async with Connection(sshd.node, ssh) as host:
            await host.run(("touch", str(tmp_path / "ran")))
    assert not (tmp_path / "ran").exists()
    (command,) = re.findall("`(.+)`", str(caught.value))
    subprocess.run(shlex.split(command), check=True)
    assert OTHER_KEY not in ssh.known_hosts.read_text()


async def test_an_unknown_host_key_is_refused_with_the_command_that_shows_it(sshd):
    ssh = sshd.with_known_hosts(f"another.host {OTHER_KEY}\n")
    with pytest.raises(HostKeyRejected, match=f"is not in {ssh.known_hosts}") as caught:
        await Connection(sshd.node, ssh).open()
    (command,) = re.findall("`(.+)`", str(caught.value))
    shown = subprocess.run(shlex.split(command), check=True, capture_output=True, text=True)
    ssh.known_hosts.write_text(shown.stdout)
    async with Connection(sshd.node, ssh) as host:
        assert (await host.run(("true",))).status == 0


async def test_a_refused_client_key_is_named_as_the_reason(sshd, tmp_path: Path):
    (sshd.directory / "authorized_keys").rename(sshd.directory / "away")
    try:
        with pytest.raises(AuthRejected, match="refused our key"):
            await Connection(sshd.node, sshd.ssh).open()
    finally:
        (sshd.directory / "away").rename(sshd.directory / "authorized_keys")


async def test_an_unreachable_host_is_named_as_the_reason(sshd):
    with pytest.raises(Unreachable, match="no SSH connection"):
        await Connection(replace(sshd.node, port=1), sshd.ssh).open()
