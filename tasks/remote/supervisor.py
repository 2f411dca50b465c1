"""Our side of `supervisor.sh`: the host's lock, and programs that end with us, come what may."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import asyncssh

from ..model.errors import CommandFailed, HostsBusy, TransportLost
from .connection import Connection
from .quote import command_line

LEASE_S = 8  # a host that hears nothing for so long ends everything of the run
_BEAT_S = 2.0
_ANSWER_S = 30.0  # a host that is only slow answers within
_LOCK = "/run/lock/ebpf-overhead.lock"
_T = TypeVar("_T")
_SCRIPT = (Path(__file__).parent / "supervisor.sh").read_text()


class SupervisedProgram:
    """A program running on a host under the supervisor, in a session of its own."""

    def __init__(
        self, id: str, argv: tuple[str, ...], ask_to_stop: Callable[[str, int], None]
    ) -> None:
        self.id, self.argv, self._ask_to_stop = id, argv, ask_to_stop
        self.pid = 0  # of the session's leader, in the host's pid namespace
        loop = asyncio.get_running_loop()
        self._started: asyncio.Future[int] = loop.create_future()
        self._ended: asyncio.Future[int] = loop.create_future()

    @property
    def running(self) -> bool:
        return not self._ended.done()

    async def wait(self) -> int:
        """The exit status (128 + n for signal n). Raises TransportLost where it cannot be known."""
        return await asyncio.shield(self._ended)

    async def stop(self, grace_s: float = 5.0) -> int:
        """TERM to the whole session, KILL after the grace; the exit status.

        Raises TransportLost, or TimeoutError where the host says nothing.
        """
        if self.running:
            self._ask_to_stop(self.id, max(1, round(grace_s)))
        return await asyncio.wait_for(self.wait(), grace_s + 5)

    def fail(self, error: Exception) -> None:
        for future in (self._started, self._ended):
            if not future.done():
                future.set_exception(error)
                future.exception()  # looked at: nobody may be waiting


class Supervisor:
    """The lock holder and parent of all our programs on one node.

    Raises HostsBusy on entry where another run holds the host.
    """

    def __init__(
        self, connection: Connection, run: str, holder: str, lease_s: int = LEASE_S
    ) -> None:
        self.connection = connection
        self._run, self._holder, self._lease_s = run, holder, lease_s
        self._dir = f"/tmp/ebpf-overhead-{run}"
        self._ids = itertools.count(1)
        self._programs: dict[str, SupervisedProgram] = {}
        self._answers: dict[str, asyncio.Future[float]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._process: asyncssh.SSHClientProcess[str] | None = None
        self._lost: TransportLost | None = None
        self.pids: tuple[int, ...] = ()  # the supervisor there, and what carries our connection

    @property
    def _node(self) -> str:
        return self.connection.node.name

    @property
    def alive(self) -> bool:
        return self._process is not None and self._lost is None

    async def open(self) -> None:
        argv = ("sh", "-c", _SCRIPT, "supervisor", self._run, self._holder)
        line = command_line(
            self.connection.privileged((*argv, str(self._lease_s), self._dir, _LOCK))
        )
        try:
            async with asyncio.timeout(_ANSWER_S):
                process = await self.connection.transport.create_process(
                    line, encoding="utf-8", errors="replace"
                )
                word, _, rest = (await process.stdout.readline()).strip().partition(" ")
                stderr = "" if word in ("ready", "busy") else await process.stderr.read(2000)
        except (OSError, TimeoutError, asyncssh.Error) as error:
            why = str(error) or f"it said nothing for {_ANSWER_S:g} s"
            raise TransportLost(self._node, f"the supervisor did not start: {why}") from error
        if word == "busy":
            raise HostsBusy(self._node, rest)
        if word != "ready":
            raise CommandFailed(
                self._node,
                "the supervisor did not start (it needs sh, flock and setsid)",
                command="sh -c supervisor",
                status=process.exit_status,
                stderr=str(stderr),
            )
        self._process = process  # only now: what never was ready is not alive
        self.pids = tuple(map(int, rest.split()))
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._beat())]

    async def close(self) -> None:
        """Ends everything that runs there, waits until it has ended, frees the host."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError, TimeoutError, asyncssh.Error):
                process.stdin.write("bye\n")
                process.stdin.write_eof()
                await asyncio.wait_for(process.wait_closed(), self._lease_s + 2)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
        """Starts a program; on the host it is ended after `deadline_s`, whatever happens here."""
        line = command_line(argv, env=env, cwd=cwd, stdout=stdout, stderr=stderr)
        id = f"p{next(self._ids)}"
        program = self._programs[id] = SupervisedProgram(id, tuple(argv), self._stop)
        self._send(f"start {id} {max(1, round(deadline_s))} {line}")
        program.pid = await self._answered(program._started, line)
        return program

    async def _answered(self, answer: asyncio.Future[_T], asked: str) -> _T:
        try:
            return await asyncio.wait_for(asyncio.shield(answer), _ANSWER_S)
        except TimeoutError as error:
            silent = f"the supervisor said nothing for {_ANSWER_S:g} s"
            raise TransportLost(self._node, silent, command=asked[:200]) from error

    def _stop(self, id: str, grace_s: int) -> None:
        self._send(f"stop {id} {grace_s}")

    async def snap(self, label: str, file: str) -> tuple[float, float]:
        """Appends the clocks, counters and CPU times of the host to `file`, under `label`.

        Returns the host's clock minus ours, and half the round trip that it is uncertain by: s.
        """
        id = f"s{next(self._ids)}"
        answer = self._answers[id] = asyncio.get_running_loop().create_future()
        asked, clock = time.time(), time.monotonic()
        self._send(f"snap {id} {label} {file}")
        epoch_s = await self._answered(answer, f"snap {label}")
        uncertain_s = (time.monotonic() - clock) / 2
        return epoch_s - asked - uncertain_s, uncertain_s

    def undo(self, name: str, argv: Sequence[str]) -> None:
        """Has the host run `argv` when we are gone, unless `undone(name)` comes first."""
        self._send(f"undo {name} {command_line(argv)}")

    def undone(self, name: str) -> None:
        self._send(f"undone {name}")

    def _send(self, line: str) -> None:
        if "\n" in line:
            raise ValueError(f"a supervised command cannot hold a line break: {line!r}")
        if self._process is None or self._lost is not None:
            raise TransportLost(self._node, "the supervisor is gone", command=line[:200])
        self._process.stdin.write(line + "\n")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            with contextlib.suppress(TransportLost):
                self._send("beat")

    async def _listen(self) -> None:
        assert self._process is not None
        lost = "the supervisor's connection ended"
        try:
            async for line in self._process.stdout:
                self._heard(line.split())
        except (OSError, asyncssh.Error) as error:
            lost = f"{lost}: {error}"
        finally:
            self._lost = TransportLost(self._node, lost)
            for program in self._programs.values():
                program.fail(self._lost)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(self._lost)
                    answer.exception()

    def _heard(self, words: list[str]) -> None:
        match words:
            case ["started", id, pid] if id in self._programs:
                self._programs[id]._started.set_result(int(pid))
            case ["ended", id, status] if id in self._programs:
                self._programs.pop(id)._ended.set_result(int(status))
            case ["snapped", id, epoch_s] if id in self._answers:
                self._answers.pop(id).set_result(float(epoch_s))
