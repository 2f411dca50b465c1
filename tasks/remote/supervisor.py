"""Our side of `supervisor.sh`: the host's lock, and programs that end with our connection."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import asyncssh

from ..model.errors import CommandFailed, HostsBusy, TransportLost
from .connection import Connection
from .quote import command_line

LEASE_S = 8  # after this long without a line from us, the host ends everything of the run
_BEAT_S = 2.0
_ANSWER_S = 30.0  # a slow but working host answers within this time
_LOCK = "/run/lock/ebpf-overhead.lock"
_SCRIPT = (Path(__file__).parent / "supervisor.sh").read_text()


class SupervisedProgram:
    """A program running on a host under the supervisor, in a process session of its own."""

    def __init__(
        self,
        pid: int,
        ended: asyncio.Future[float],
        send_stop: Callable[[int], None],
        pace: float = 1.0,
    ) -> None:
        self.pid = pid  # of the session's leader, in the host's pid namespace
        self._ended, self._send_stop, self._pace = ended, send_stop, pace

    @property
    def running(self) -> bool:
        return not self._ended.done()

    async def wait(self) -> int:
        """The exit status (128 + n for signal n). Raises TransportLost if it cannot be known."""
        return int(await asyncio.shield(self._ended))

    async def stop(self, grace_s: float = 5.0) -> int:
        """Sends TERM to the whole process session, KILL after `grace_s`; returns the exit status.

        Raises TransportLost, or TimeoutError if the host does not answer.
        """
        if self.running:
            self._send_stop(max(1, round(grace_s)))
        return await asyncio.wait_for(self.wait(), (grace_s + 5) * self._pace)


class Supervisor:
    """The lock holder and parent of all our programs on one node."""

    def __init__(
        self, connection: Connection, run: str, holder: str, lease_s: int = LEASE_S
    ) -> None:
        self.connection = connection
        self._run, self._holder, self._lease_s = run, holder, lease_s
        self._dir = f"/tmp/ebpf-overhead-{run}"
        self._ids = itertools.count(1)
        self._answers: dict[tuple[str, str], asyncio.Future[float]] = {}  # by command and id
        self._tasks: list[asyncio.Task[None]] = []
        self._process: asyncssh.SSHClientProcess[str] | None = None
        self._lost: TransportLost | None = None
        self._silent = 0  # windows that are being measured in silence
        self.pids: tuple[int, ...] = ()  # the supervisor and its ancestors there

    @property
    def _node(self) -> str:
        return self.connection.node.name

    @property
    def alive(self) -> bool:
        return self._process is not None and self._lost is None

    async def open(self) -> None:
        """Takes the host's lock. Raises HostsBusy if another run holds it, or RemoteError."""
        argv = ("sh", "-c", _SCRIPT, "supervisor", self._run, self._holder)
        line = command_line(
            self.connection.privileged((*argv, str(self._lease_s), self._dir, _LOCK))
        )
        try:
            async with asyncio.timeout(_ANSWER_S * self.connection.pace):
                process = await self.connection.transport.create_process(
                    line, encoding="utf-8", errors="replace"
                )
                word, _, rest = (await process.stdout.readline()).strip().partition(" ")
                stderr = "" if word in ("ready", "busy") else await process.stderr.read(2000)
        except (OSError, TimeoutError, asyncssh.Error) as error:
            why = str(error) or f"no answer within {_ANSWER_S:g} s"
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
        self._process = process  # set only now, because a supervisor that is not ready is not alive
        self.pids = tuple(map(int, rest.split()))
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._beat())]

    async def close(self) -> None:
        """Ends everything that runs on the host, waits for its end, and releases the host."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError, TimeoutError, asyncssh.Error):
                process.stdin.write("bye\n")
                process.stdin.write_eof()
                limit_s = (self._lease_s + 2) * self.connection.pace
                await asyncio.wait_for(process.wait_closed(), limit_s)
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
        """Starts a program. The host ends it after `deadline_s` in any case.

        stdout, stderr: files on the host that are appended to. Raises TransportLost.
        """
        line = command_line(argv, env=env, cwd=cwd, stdout=stdout, stderr=stderr)
        id = f"p{next(self._ids)}"
        ended = self._expect("ended", id)
        pid = await self._ask("started", id, f"start {id} {max(1, round(deadline_s))} {line}")
        return SupervisedProgram(
            int(pid),
            ended,
            lambda grace_s: self._send(f"stop {id} {grace_s}"),
            self.connection.pace,
        )

    async def snap(self, label: str, file: str) -> tuple[float, float]:
        """Appends the host's clocks, counters and CPU times to `file`, under `label`.

        Returns the host's clock minus ours, and half the round trip as its uncertainty, in s.
        """
        id = f"s{next(self._ids)}"
        asked, clock = time.time(), time.monotonic()
        epoch_s = await self._ask("snapped", id, f"snap {id} {label} {file}")
        uncertain_s = (time.monotonic() - clock) / 2
        return epoch_s - asked - uncertain_s, uncertain_s

    async def measure(self, at_s: float, length_s: float, file: str) -> None:
        """Appends to `file` a snapshot at the host's uptime `at_s` and one `length_s` later, as
        `start` and `end`. Returns about a second after that.

        Nothing is sent to the host meanwhile, nor by it: its work for us would be in the figures.
        """
        id = f"w{next(self._ids)}"
        line = f"window {id} {at_s:.3f} {length_s:.3f} {file}"
        self._silent += 1
        try:
            await self._ask("measured", id, line, length_s + 2 * _ANSWER_S)
        finally:
            self._silent -= 1

    async def undo(self, name: str, argv: Sequence[str]) -> None:
        """Has the host run `argv` once we are gone unless `undone(name)` is called."""
        self._send(f"undo {name} {command_line(argv)}")

    async def undone(self, name: str) -> None:
        self._send(f"undone {name}")

    def _expect(self, word: str, id: str) -> asyncio.Future[float]:
        """A future for the number in the line `<word> <id> <number>` that the host will send."""
        answer = self._answers[word, id] = asyncio.get_running_loop().create_future()
        return answer

    async def _ask(self, word: str, id: str, line: str, within_s: float = _ANSWER_S) -> float:
        """Sends `line` and waits for the answer that `_expect` describes. Raises TransportLost.

        within_s: seconds of the host.
        """
        answer, limit_s = self._expect(word, id), within_s * self.connection.pace
        self._send(line)
        try:
            return await asyncio.wait_for(asyncio.shield(answer), limit_s)
        except TimeoutError as error:
            problem = f"no answer from the supervisor within {limit_s:g} s"
            raise TransportLost(self._node, problem, command=line[:200]) from error

    def _send(self, line: str) -> None:
        if "\n" in line:
            raise ValueError(f"a supervised command cannot hold a line break: {line!r}")
        if self._process is None or self._lost is not None:
            raise TransportLost(self._node, "the supervisor is gone", command=line[:200])
        self._process.stdin.write(line + "\n")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            if not self._silent:
                with contextlib.suppress(TransportLost):
                    self._send("beat")

    async def _listen(self) -> None:
        assert self._process is not None
        reason = "the supervisor's connection ended"
        try:
            async for line in self._process.stdout:
                match line.split():
                    case [word, id, number] if (word, id) in self._answers:
                        self._answers.pop((word, id)).set_result(float(number))
        except (OSError, asyncssh.Error) as error:
            reason = f"{reason}: {error}"
        finally:
            self._lost = TransportLost(self._node, reason)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(self._lost)
                    answer.exception()  # marks it as retrieved, in case nothing awaits it
