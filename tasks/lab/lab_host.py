"""A lab host: a process that holds namespaces, and the sshd that is pid 1 inside them."""

import socket
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from .machine import end, recorded, run, start_recorded, wait_until
from .state import LabLayout, LabNode

_INIT = Path(__file__).with_name("host_init.sh")

SSHD_FILES = ("sshd_config", "host_key", "authorized_keys")

# Paths as the node sees them; its own directory is /srv/node there. A campaign holds one connection
# with many channels to a node; tests open many connections at once.
_SSHD_CONFIG = """\
HostKey /srv/node/host_key
AuthorizedKeysFile /srv/node/authorized_keys
PidFile /srv/node/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
AcceptEnv none
PrintMotd no
PrintLastLog no
MaxSessions 64
MaxStartups 128
LogLevel INFO
Subsystem sftp internal-sftp
"""


def make_keys(layout: LabLayout) -> None:
    """Creates the one key that all hosts of this lab accept."""
    keygen(layout.directory / "identity", f"lab {layout.name}")


def prepare(layout: LabLayout, node: LabNode) -> None:
    """Creates a node's directory with the files that its sshd needs."""
    directory = layout.node_directory(node)
    directory.mkdir(parents=True)
    (directory / "sshd_config").write_text(_SSHD_CONFIG)
    authorized = (layout.directory / "identity.pub").read_text()
    (directory / "authorized_keys").write_text(authorized)
    keygen(directory / "host_key", node.name)


def start(layout: LabLayout, node: LabNode) -> int:
    """Starts the host; returns the pid that holds its namespaces, once its sshd listens.

    The host has no network yet.
    """
    prepare(layout, node)
    directory, record = layout.node_directory(node), layout.record(node)
    (directory / "bench").mkdir()
    log = directory / "init.log"
    namespaces = ["unshare", "--net", "--pid", "--mount", "--uts", "--mount-proc"]
    start_recorded(
        record,
        log,
        [*namespaces, "--fork", "--kill-child", "sh", str(_INIT), str(directory), node.name],
    )
    listens = (directory / "sshd.pid").exists
    alive = partial(runs, layout, node)
    wait_until(listens, 10.0, f"{node.name}: sshd listens", log, alive)
    return int(record.read_text().split(maxsplit=1)[0])


def runs(layout: LabLayout, node: LabNode) -> bool:
    return recorded(layout.record(node)) is not None


def stop(layout: LabLayout, node: LabNode) -> None:
    """Ends the host with everything that runs on it; does nothing if it does not run."""
    holder = recorded(layout.record(node))
    if holder is None:
        return
    with suppress(psutil.NoSuchProcess):
        # The kernel lets a pid namespace's first process go only after all others in it are gone.
        for first in holder.children():
            end(first)
    end(holder)


def known_hosts_line(layout: LabLayout, node: LabNode) -> str:
    public = (layout.node_directory(node) / "host_key.pub").read_text().split()
    return f"{layout.management_ip(node)} {public[0]} {public[1]}\n"


def answers(address: str, port: int = 22, timeout_s: float = 1.0) -> bool:
    """Whether an SSH server sends its greeting there."""
    try:
        with socket.create_connection((address, port), timeout=timeout_s) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def keygen(file: Path, comment: str) -> None:
    """Creates an SSH key without a passphrase."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file))
