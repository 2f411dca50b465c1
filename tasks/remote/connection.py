"""One long-lived SSH connection per node. Host keys are always checked; asyncssh's errors become
this project's."""

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncssh

from ..model.environment import Node, SshSettings
from ..model.errors import (
    AuthRejected,
    CommandFailed,
    HostKeyRejected,
    TransportLost,
    Unreachable,
)
from .quote import command_line

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CONNECTS_AT_ONCE = 8  # sshd's MaxStartups drops bursts
_CHANNELS_AT_ONCE = 6  # sshd's MaxSessions is 10; the supervisor and a transfer take some
_SSH_PORT = 22  # known_hosts writes any other port as [host]:port
_connecting = asyncio.Semaphore(_CONNECTS_AT_ONCE)


@dataclass(frozen=True, slots=True)
class CompletedCommand:
    """A command that ran to its end."""

    status: int
    stdout: str
    stderr: str


class Connection:
    """An open connection to one node. Use `async with Connection(node, ssh) as connection`."""

    def __init__(self, node: Node, ssh: SshSettings, *, sudo: bool = False, mark: str = "") -> None:
        """mark: NAME=VALUE, set in the environment of everything that `run` starts."""
        self.node = node
        self._ssh = ssh
        self._env = ("env", _PATH, "LC_ALL=C", *([mark] if mark else []))
        self._sudo = ("sudo", "-n") if sudo and node.user != "root" else ()
        self._channels = asyncio.Semaphore(_CHANNELS_AT_ONCE)
        self._connection: asyncssh.SSHClientConnection | None = None

    @property
    def pace(self) -> float:
        """Seconds of ours that a second of the host lasts at most."""
        return self._ssh.pace

    @property
    def is_root(self) -> bool:
        """Whether our commands run as root."""
        return self.node.user == "root" or bool(self._sudo)

    async def open(self) -> None:
        """Connects. Raises Unreachable, HostKeyRejected, AuthRejected."""
        node, ssh = self.node, self._ssh
        try:
            async with _connecting:
                self._connection = await asyncssh.connect(
                    node.host,
                    node.port,
                    username=node.user,
                    # (): the user's own file; None would switch the check off
                    known_hosts=str(ssh.known_hosts) if ssh.known_hosts else (),
                    client_keys=[str(ssh.identity)] if ssh.identity else (),
                    config=[str(ssh.config)] if ssh.config else (),
                    connect_timeout=ssh.connect_timeout_s * ssh.pace,
                    login_timeout=ssh.connect_timeout_s * ssh.pace,
                    keepalive_interval=ssh.keepalive_interval_s,
                    keepalive_count_max=ssh.keepalive_count_max,
                )
        except asyncssh.HostKeyNotVerifiable as error:
            raise HostKeyRejected(node.name, _host_key_problem(node, ssh)) from error
        except asyncssh.PermissionDenied as error:
            raise AuthRejected(
                node.name, f"{node.address} refused our key: {error.reason}"
            ) from error
        except (OSError, TimeoutError, asyncssh.Error) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(
                node.name, f"no SSH connection to {node.address}: {reason}"
            ) from error

    async def close(self) -> None:
        """Closes at once, without waiting for a peer that is gone."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.close()
        try:
            await asyncio.wait_for(connection.wait_closed(), 2)
        except (TimeoutError, OSError, asyncssh.Error):
            connection.abort()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    @property
    def transport(self) -> asyncssh.SSHClientConnection:
        """The open asyncssh connection. Raises TransportLost."""
        if self._connection is None or self._connection.is_closed():
            raise TransportLost(self.node.name, "the connection is closed")
        return self._connection

    def privileged(self, argv: Sequence[str]) -> tuple[str, ...]:
        """`argv` as the host runs it: through sudo if the user is not root and sudo is used."""
        return (*self._sudo, *argv)

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 30.0,
        check: bool = True,
        input: bytes | None = None,
        stdout: Path | None = None,
    ) -> CompletedCommand:
        """Runs a short command to its end; on the host, `timeout` limits its duration.

        stdout: a local file for the output; the result's `stdout` is then empty. Raises
        TransportLost, or CommandFailed if `check` is set and the status is not 0.
        """
        limit = ("timeout", "-k", "2", f"{timeout_s:g}")
        line = command_line(self.privileged((*self._env, *limit, *argv)))
        shown = " ".join(argv)[:300]
        try:
            async with self._channels:
                result = await asyncio.wait_for(
                    self.transport.run(
                        line,
                        input=input,
                        stdin=asyncssh.DEVNULL if input is None else asyncssh.PIPE,
                        stdout=asyncssh.PIPE if stdout is None else stdout,
                        encoding=None,  # an archive is not text
                    ),
                    (timeout_s + 10) * self.pace,
                )
        except (OSError, TimeoutError, asyncssh.Error) as error:
            raise TransportLost(
                self.node.name, f"connection lost: {error or type(error).__name__}", command=shown
            ) from error
        out, err = _text(result.stdout), _text(result.stderr)
        # exit_status is None if the connection was lost or a signal ended the command
        if result.exit_status is None:
            raise TransportLost(self.node.name, "ended without a status", command=shown, stderr=err)
        if check and result.exit_status != 0:
            problem = "timed out" if result.exit_status in (124, 137) else "failed"
            raise CommandFailed(
                self.node.name, problem, command=shown, status=result.exit_status, stderr=err
            )
        return CompletedCommand(result.exit_status, out, err)


def _host_key_problem(node: Node, ssh: SshSettings) -> str:
    """Says whether the host's key is unknown or has changed, with the command that helps."""
    file = ssh.known_hosts or Path.home() / ".ssh" / "known_hosts"
    try:
        known, *_ = asyncssh.read_known_hosts(str(file)).match(node.host, "", node.port)
    except OSError:
        known = []
    if not known:
        scan = shlex.join(("ssh-keyscan", "-p", str(node.port), node.host))
        return (
            f"host key of {node.address} is not in {file}; show it with `{scan}`, compare it with "
            "the host's own, then add that line"
        )
    entry = node.host if node.port == _SSH_PORT else f"[{node.host}]:{node.port}"
    remove = shlex.join(("ssh-keygen", "-f", str(file), "-R", entry))
    return (
        f"host key of {node.address} has changed: {file} holds a different one; if that is "
        f"expected, remove the old one with `{remove}`"
    )


def _text(output: object) -> str:
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else ""
