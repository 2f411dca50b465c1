"""A reserved host: its connection, its lock and supervisor, and file transfer, in one object."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from ..model.environment import Node, SshSettings
from ..model.errors import AuthRejected, HostKeyRejected, HostsBusy, RemoteError
from ..model.outcome import StoredFile
from . import transfer
from .connection import Connection
from .supervisor import LEASE_S, Supervisor

_RECONNECT_S = (0.5, 1, 2, 4, 8, 8)


class HeldHost:
    """One node that this run has reserved. `run`, `start`, `snap`, `measure`, `undo`, `undone` are
    those of the present connection and supervisor, which `reopen` replaces."""

    def __init__(
        self, node: Node, ssh: SshSettings, run: str, holder: str, *, sudo: bool = True
    ) -> None:
        self.node = node
        self._ssh, self._holder, self._sudo = ssh, holder, sudo
        self._run_id = run
        self._connect()

    def _connect(self) -> None:
        mark = f"EBPF_OVERHEAD_RUN={self._run_id}"
        self._connection = Connection(self.node, self._ssh, sudo=self._sudo, mark=mark)
        self._supervisor = Supervisor(self._connection, self._run_id, self._holder)
        self.run = self._connection.run
        self.start, self.snap = self._supervisor.start, self._supervisor.snap
        self.measure = self._supervisor.measure
        self.undo, self.undone = self._supervisor.undo, self._supervisor.undone

    @property
    def own_pids(self) -> tuple[int, ...]:
        """Processes on the host that carry our connection. Programs that we start run in process
        sessions of their own."""
        return self._supervisor.pids

    @property
    def pace(self) -> float:
        """Seconds of ours that a second of the host lasts at most."""
        return self._connection.pace

    @property
    def is_root(self) -> bool:
        return self._connection.is_root

    async def open(self) -> None:
        """Connects and takes the host's lock. Raises RemoteError, HostsBusy."""
        await self._connection.open()
        try:
            await self._supervisor.open()
        except BaseException:
            await self._connection.close()
            raise

    async def close(self) -> None:
        await self._supervisor.close()
        await self._connection.close()

    async def revive(self) -> None:
        """Connects again if the connection was lost. Raises RemoteError, HostsBusy."""
        if not self._supervisor.alive:
            await self.reopen()

    async def reopen(self) -> None:
        """Replaces a lost connection, with back-off, while the old lease expires.

        Raises the error of the last attempt; HostKeyRejected and AuthRejected at once.
        """
        await self.close()
        end = time.monotonic() + (LEASE_S + sum(_RECONNECT_S)) * self._ssh.pace
        for pause in (*_RECONNECT_S, 0):
            self._connect()
            try:
                await self.open()
                return
            except (HostKeyRejected, AuthRejected):
                raise
            except (RemoteError, HostsBusy):
                if not pause or time.monotonic() > end:
                    raise
                await asyncio.sleep(pause * self._ssh.pace)

    async def collect(self, base: str, paths: Sequence[str], into: Path) -> tuple[StoredFile, ...]:
        return await transfer.collect(self._connection, base, paths, into)

    async def deliver(
        self, files: Sequence[Path], local_root: Path, remote_dir: str
    ) -> dict[str, str]:
        return await transfer.deliver(self._connection, files, local_root, remote_dir)


@asynccontextmanager
async def holding(
    nodes: Iterable[Node], ssh: SshSettings, run: str, holder: str, *, sudo: bool = True
) -> AsyncIterator[dict[str, HeldHost]]:
    """Reserves all of these hosts for this run; yields them by node name.

    Locks are taken in the order of the nodes' addresses, so that two runs cannot block each other.
    Raises HostsBusy, which names the holder, or RemoteError.
    """
    async with AsyncExitStack() as stack:
        hosts = {}
        for node in sorted(nodes, key=lambda node: (node.host, node.port)):
            host = HeldHost(node, ssh, run, holder, sudo=sudo)
            await host.open()
            stack.push_async_callback(host.close)
            hosts[node.name] = host
        yield hosts
