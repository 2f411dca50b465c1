"""A lab host: a process that holds namespaces, and the sshd that is pid 1 inside them."""

import socket
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from .machine import end, recorded, run, start_recorded, wait_until
from .state import LabLayout, Seat

_INIT = Path(__file__).with_name("host_init.sh")

SSHD_FILES = ("sshd_config", "host_key", "authorized_keys")

# Paths as the node sees them; its own directory is /srv/node there. A campaign holds one connection
# and many channels to a node, tests open many connections at once.
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


def make_keys(shape: LabLayout) -> None:
    """The one key that opens this lab's hosts."""
    _keygen(shape.directory / "identity", f"lab {shape.name}")


def prepare(shape: LabLayout, seat: Seat) -> None:
    """Makes a node's directory with the files that its sshd needs."""
    directory = shape.node_directory(seat)
    directory.mkdir(parents=True)
    (directory / "sshd_config").write_text(_SSHD_CONFIG)
    authorized = (shape.directory / "identity.pub").read_text()
    (directory / "authorized_keys").write_text(authorized)
    _keygen(directory / "host_key", seat.name)


def start(shape: LabLayout, seat: Seat) -> int:
    """Starts the host; returns the pid that holds its namespaces, once its sshd listens.

    The host has no network yet.
    """
    prepare(shape, seat)
    directory, record = shape.node_directory(seat), shape.record(seat)
    (directory / "bench").mkdir()
    log = directory / "init.log"
    namespaces = ["unshare", "--net", "--pid", "--mount", "--uts", "--mount-proc"]
    start_recorded(
        record,
        log,
        [*namespaces, "--fork", "--kill-child", "sh", str(_INIT), str(directory), seat.name],
    )
    listens = (directory / "sshd.pid").exists
    alive = partial(runs, shape, seat)
    wait_until(listens, 10.0, f"{seat.name}: sshd listens", log, alive)
    return int(record.read_text().split(maxsplit=1)[0])


def runs(shape: LabLayout, seat: Seat) -> bool:
    return recorded(shape.record(seat)) is not None


def stop(shape: LabLayout, seat: Seat) -> None:
    """Ends the host with everything that runs on it; does nothing if it does not run."""
    holder = recorded(shape.record(seat))
    if holder is None:
        return
    with suppress(psutil.NoSuchProcess):
        # The kernel lets a pid namespace's first process go only after all others in it are gone.
        for first in holder.children():
            end(first)
    end(holder)


def known_hosts_line(shape: LabLayout, seat: Seat) -> str:
    public = (shape.node_directory(seat) / "host_key.pub").read_text().split()
    return f"{shape.management_ip(seat)} {public[0]} {public[1]}\n"


def answers(address: str, timeout_s: float = 1.0) -> bool:
    """Whether an SSH server sends its greeting there."""
    try:
        with socket.create_connection((address, 22), timeout=timeout_s) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _keygen(file: Path, comment: str) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file))
