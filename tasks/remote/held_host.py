"""A held host: its connection, its lock and supervisor, and files to and from it, as one thing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from ..model.environment import Node, SshSettings
from ..model.errors import AuthRejected, HostKeyRejected, HostsBusy, RemoteError
from ..model.outcome import StoredFile
from . import transfer
from .connection import Completed, Connection
from .supervisor import LEASE_S, SupervisedProgram, Supervisor

_RECONNECT_S = (0.5, 1, 2, 4, 8, 8)


class HeldHost:
    """One node that this run holds. Lost connections are opened again by `reopen`."""

    def __init__(
        self, node: Node, ssh: SshSettings, run: str, holder: str, *, sudo: bool = True
    ) -> None:
        self.node = node
        self._ssh, self._run, self._holder, self._sudo = ssh, run, holder, sudo
        self._connect()

    def _connect(self) -> None:
        mark = f"EBPF_OVERHEAD_RUN={self._run}"
        self._connection = Connection(self.node, self._ssh, sudo=self._sudo, mark=mark)
        self._supervisor = Supervisor(self._connection, self._run, self._holder)

    @property
    def own_pids(self) -> tuple[int, ...]:
        """Processes there that carry our connection; what we start has sessions of its own."""
        return self._supervisor.pids

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
        """Opens the connection again where it was lost. Raises RemoteError, HostsBusy."""
        if not self._supervisor.alive:
            await self.reopen()

    async def reopen(self) -> None:
        """A fresh connection after a lost one, with back-off; the old lease ends meanwhile.

        Raises what the last try raised; a key that is refused, ours or the host's, at once.
        """
        await self.close()
        end = time.monotonic() + LEASE_S + sum(_RECONNECT_S)
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
                await asyncio.sleep(pause)

    async def run(
        self, argv: Sequence[str], *, timeout_s: float = 30.0, check: bool = True
    ) -> Completed:
        return await self._connection.run(argv, timeout_s=timeout_s, check=check)

    async def start(
        self,
        argv: Sequence[str],
        *,
        deadline_s: float,
        stdout: str | None = None,
        stderr: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> SupervisedProgram:
        return await self._supervisor.start(
            argv, deadline_s=deadline_s, stdout=stdout, stderr=stderr, env=env, cwd=cwd
        )

    async def snap(self, label: str, file: str) -> tuple[float, float]:
        return await self._supervisor.snap(label, file)

    async def undo(self, name: str, argv: Sequence[str]) -> None:
        self._supervisor.undo(name, argv)

    async def undone(self, name: str) -> None:
        self._supervisor.undone(name)

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
    """All of these hosts, held by this run, by node name.

    Locks are taken in the order of the nodes' addresses, so that two runs cannot wait for each
    other. Raises HostsBusy (whoever holds it is named), RemoteError.
    """
    async with AsyncExitStack() as stack:
        hosts = {}
        for node in sorted(nodes, key=lambda node: (node.host, node.port)):
            host = HeldHost(node, ssh, run, holder, sudo=sudo)
            await host.open()
            stack.push_async_callback(host.close)
            hosts[node.name] = host
        yield hosts
