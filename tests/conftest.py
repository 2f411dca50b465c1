"""Fixtures of the whole suite: a real OpenSSH server on the loopback, for tests with one host."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import settings

from tasks.model.environment import Layer, Node, SshSettings

settings.register_profile("shared machine", deadline=None)  # no test asserts on elapsed time
settings.load_profile("shared machine")
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


REAL_TIME = ("lab", "faults", "deployments", "remote")
"""Folders whose tests run real processes with real deadlines, and so fail if the machine stalls for
seconds. Such a test is run once more, and the output says so; a slow one is not, because its runs
would still exist."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        real_time = item.path.relative_to(here).parts[0] in REAL_TIME
        if real_time and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=2))


@dataclass(frozen=True)
class SshServer:
    """A running sshd that accepts the present user, and how to reach it."""

    node: Node
    ssh: SshSettings
    directory: Path
    process: "subprocess.Popen[bytes]"

    def with_known_hosts(self, text: str) -> SshSettings:
        path = self.directory / f"known_hosts_{abs(hash(text))}"
        path.write_text(text)
        return replace(self.ssh, known_hosts=path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _keygen(path: Path) -> str:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)], check=True
    )
    return path.with_suffix(".pub").read_text()


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    if SSHD is None:
        pytest.skip("no sshd on this machine (Debian: openssh-server)")
    directory = tmp_path_factory.mktemp("sshd")
    directory.chmod(0o700)
    host_key = _keygen(directory / "host_key")
    (directory / "authorized_keys").write_text(_keygen(directory / "client_key"))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = _free_port()
    (directory / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {directory}/host_key\n"
        f"AuthorizedKeysFile {directory}/authorized_keys\nPidFile {directory}/sshd.pid\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        "MaxStartups 100\n"
    )
    known_hosts = directory / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {host_key}")
    process = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(directory / "sshd_config")],
        stdin=subprocess.DEVNULL,
        stderr=(directory / "log").open("wb"),
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    else:
        pytest.fail(f"sshd did not start: {(directory / 'log').read_text()}")
    workdir = directory / "work"
    workdir.mkdir()
    user = os.environ.get("USER") or "root"
    node = Node("one", Layer.HOST, "127.0.0.1", user, str(workdir), port)
    yield SshServer(node, SshSettings(known_hosts, directory / "client_key"), directory, process)
    process.terminate()
    process.wait(10)
