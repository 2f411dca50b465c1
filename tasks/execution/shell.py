"""What this package needs of a host, as a protocol. Tests replace it to inject faults."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ..model.environment import Node
from ..model.outcome import StoredFile


class CommandResult(Protocol):
    """A short command that ran to its end."""

    @property
    def status(self) -> int: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...


class Running(Protocol):
    """A program that runs under the host's supervisor, as the leader of its own process session."""

    @property
    def pid(self) -> int: ...
    @property
    def running(self) -> bool: ...
    async def wait(self) -> int: ...
    async def stop(self, grace_s: float = 5.0) -> int: ...


class Shell(Protocol):
    """One host. All methods raise RemoteError; nothing that they start outlives the campaign."""

    @property
    def node(self) -> Node: ...
    @property
    def is_root(self) -> bool: ...
    @property
    def pace(self) -> float: ...
    @property
    def own_pids(self) -> tuple[int, ...]: ...

    async def revive(self) -> None: ...

    async def run(
        self, argv: Sequence[str], *, timeout_s: float = 30.0, check: bool = True
    ) -> CommandResult: ...

    async def start(
        self,
        argv: Sequence[str],
        *,
        deadline_s: float,
        stdout: str | None = None,
        stderr: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Running: ...

    async def snap(self, label: str, file: str) -> tuple[float, float]: ...
    async def measure(self, at_s: float, length_s: float, file: str) -> None: ...
    async def undo(self, name: str, argv: Sequence[str]) -> None: ...
    async def undone(self, name: str) -> None: ...

    async def collect(
        self, base: str, paths: Sequence[str], into: Path
    ) -> tuple[StoredFile, ...]: ...
    async def deliver(
        self, files: Sequence[Path], local_root: Path, remote_dir: str
    ) -> dict[str, str]: ...
