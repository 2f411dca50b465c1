"""Starts a tool on its host, waits until it is attached, stops it. Placebos are treated alike."""

import asyncio
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..model.environment import Node
from ..model.errors import OverheadError, RemoteError
from ..model.outcome import UNATTACHABLE
from ..model.plan import Case, CaseKind
from ..programs import proc
from . import attach
from .bpf import Counted, programs_of
from .host_time import host_time_s
from .shell import Running, Shell

_POLL_S = 0.1
_SETTLED_COUNTS = 3  # polls in a row with the same number of programs: it has attached all of them
_STDERR_TAIL = 2000
_READY_WITHIN = 2**20  # bytes of output that are searched for its readiness line
_DEADLINE_S = 24 * 3600.0


class ToolFailed(OverheadError):
    """The tool did not start, died, or never attached; with the tail of its output."""

    def __init__(self, gate: str, problem: str, *, for_good: bool = False) -> None:
        self.gate = gate  # that its cells fail: tool_alive, probes_attached or UNATTACHABLE
        self.for_good = for_good  # it can't attach to this kernel: another try would fail as well
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class StartedTool:
    """A tool that has attached its programs. Of tools together, each is one."""

    case: Case
    program: Running
    start_ticks: int
    pids: tuple[int, ...]  # its whole process tree when it was ready
    programs: dict[int, Counted]
    ready_s: float
    output: str
    errors: str


def argv_of(case: Case, *, is_root: bool) -> tuple[str, ...]:
    """The case's command. A leading sudo is dropped if we are root already, because sudo starts a
    process session of its own, which the supervisor would miss."""
    words = shlex.split(case.command)
    if is_root and words[:1] == ["sudo"]:
        words = words[1:]
    return tuple(words)


def script_path(case: Case, node: Node) -> str | None:
    """The path of the case's script on its host; None if the command names no script."""
    words = [word for word in case.command.split() if case.script and word.endswith(case.script)]
    if not words:
        return None
    return words[0] if words[0].startswith("/") else f"{node.workdir}/{words[0]}"


async def start(shell: Shell, case: Case, output: str, errors: str) -> StartedTool:
    """Starts the case's tool in the node's work directory and waits until it is attached.

    Raises ToolFailed if it ends or its readiness deadline passes before that.
    """
    clock = await host_time_s(shell)
    program = await shell.start(
        argv_of(case, is_root=shell.is_root),
        deadline_s=_DEADLINE_S,
        stdout=output,
        stderr=errors,
        env=case.env,
        cwd=shell.node.workdir,
    )
    try:
        programs = await _until_ready(shell, case, program, output, errors, clock)
        _expect_kinds(case, programs)
        ready_s = await host_time_s(shell) - clock
        pids = await tree(shell, program.pid)
        stat = await shell.run(("cat", f"/proc/{program.pid}/stat"), check=False)
        if stat.status != 0:
            raise await _ended(shell, case, "ended at once", errors, output)
        start_ticks = proc.parse_process(stat.stdout, f"/proc/{program.pid}/stat").start_ticks
        return StartedTool(case, program, start_ticks, pids, programs, ready_s, output, errors)
    except BaseException:  # nothing else would stop the tool
        await stop(program)
        raise


def _expect_kinds(case: Case, programs: dict[int, Counted]) -> None:
    """Raises ToolFailed if a kind of probe that the catalogue names is not attached: with other
    probes, the tool would have another cost."""
    attached = {held.type for held in programs.values()}
    if lacking := sorted(set(case.expected_probes) - attached):
        raise ToolFailed(
            "probes_attached",
            f"{case.name}: no {', '.join(lacking)} among its {len(programs)} BPF programs "
            f"({', '.join(sorted(attached)) or 'none'})",
        )


async def _until_ready(
    shell: Shell, case: Case, program: Running, output: str, errors: str, clock: float
) -> dict[int, Counted]:
    counts: list[int] = []
    while True:
        programs = await programs_of(shell, await tree(shell, program.pid))
        counts.append(len(programs))
        since_s = await host_time_s(shell) - clock
        if await _ready(shell, case, counts, output, since_s):
            return programs
        if not program.running:
            status = await program.wait()
            how = f"ended with status {status} before it was ready"
            raise await _ended(shell, case, how, errors, output)
        if since_s > case.readiness.deadline_s:
            raise ToolFailed(
                "probes_attached",
                f"{case.name}: not ready after {case.readiness.deadline_s:g} s, "
                f"{counts[-1]} BPF programs; {await tail(shell, errors, output)}",
            )
        await asyncio.sleep(_POLL_S)


async def _ended(shell: Shell, case: Case, how: str, errors: str, output: str) -> ToolFailed:
    """The failure of a tool that is gone: for good if the kernel lacks one of its probes."""
    messages = await _end_of(shell, errors) + await _end_of(shell, output)
    if reason := await attach.lacking(shell, messages):
        problem = f"{case.name}: on {shell.node.name} {reason}"
        return ToolFailed(UNATTACHABLE, problem, for_good=True)
    return ToolFailed("tool_alive", f"{case.name}: {how}; {await tail(shell, errors, output)}")


async def _ready(shell: Shell, case: Case, counts: list[int], output: str, since_s: float) -> bool:
    wanted = case.readiness
    if wanted.delay_s is not None:
        return since_s >= wanted.delay_s
    if wanted.programs is not None:
        return counts[-1] >= wanted.programs
    if wanted.line is not None:
        printed = await shell.run(("head", "-c", str(_READY_WITHIN), output), check=False)
        return re.search(wanted.line, printed.stdout, re.MULTILINE) is not None
    if case.kind is CaseKind.PLACEBO:  # attaches nothing: its first output counts
        size = await shell.run(("stat", "-c", "%s", output), check=False)
        return size.stdout.strip() not in ("", "0")
    settled = counts[-_SETTLED_COUNTS:]
    return counts[-1] > 0 and len(settled) == _SETTLED_COUNTS and len(set(settled)) == 1


async def trees(shell: Shell, tools: Iterable[StartedTool]) -> tuple[int, ...]:
    """The processes of all these tools."""
    found = [pid for tool in tools for pid in await tree(shell, tool.program.pid)]
    return tuple(sorted(set(found)))


async def tree(shell: Shell, leader: int) -> tuple[int, ...]:
    """The process, all its descendants, and all processes of its session."""
    answer = await shell.run(("ps", "-e", "-o", "pid=,ppid=,sid="))
    rows = [tuple(map(int, line.split())) for line in answer.stdout.splitlines()]
    found = {leader} | {pid for pid, _, sid in rows if sid == leader}
    while more := {pid for pid, parent, _ in rows if parent in found} - found:
        found |= more
    alive = {pid for pid, _, _ in rows}
    return tuple(sorted(found & alive))


async def tail(shell: Shell, *files: str) -> str:
    """The end of the first of these files that is not empty, on one line."""
    for file in files:
        text = await _end_of(shell, file)
        if text.strip():
            return "its output: …" + " / ".join(text.split("\n"))[-400:].strip(" /")
    return "it printed nothing"


async def _end_of(shell: Shell, file: str) -> str:
    return (await shell.run(("tail", "-c", str(_STDERR_TAIL), file), check=False)).stdout


async def start_all(
    shell: Shell, case: Case, outputs: Sequence[tuple[str, str]]
) -> tuple[StartedTool, ...]:
    """Starts the case's tools one after the other, each once the one before it is attached.

    outputs: for each the paths of its output and its errors. Raises ToolFailed if one does not
    attach; those before it are stopped then.
    """
    started: list[StartedTool] = []
    try:
        for one, (output, errors) in zip(case.tools, outputs, strict=True):
            started.append(await start(shell, one, output, errors))
    except BaseException:
        await stop_all(started)
        raise
    return tuple(started)


async def stop_all(tools: Sequence[StartedTool]) -> None:
    """Stops them, the last one first."""
    for tool in reversed(tools):
        await stop(tool.program)


async def stop(program: Running) -> int | None:
    """Stops it and returns the exit status; None if the host was lost, where its lease ends it."""
    try:
        return await program.stop(grace_s=10)
    except (RemoteError, TimeoutError):
        return None
