"""The monitors of a tool while the load runs: pidstat for its processes, and its output's size; and
its memory after the window."""

import shlex
from collections.abc import Iterable, Sequence

from ..model.errors import ParseError
from ..programs import event_counts, pidstat, proc
from ..storage import rawtree
from .shell import Running, Shell
from .tool import StartedTool, tree, trees

_SIZES_PER_WINDOW = 8
_FASTEST_S = 0.2
"""Between two sizes of the output. Each costs three short processes, about 2 ms of CPU: about 1 %
of one CPU."""

_PRINTED_S, _PRINTED_POLLS = 0.1, 24
_SLACK_S = 30.0  # for a command that only waits
_UNTIL_STILL = (
    f"n={_PRINTED_POLLS} before=; "
    'while [ "$n" -gt 0 ]; do now=$(stat -c %s -- "$@"); [ "$now" != "$before" ] || exit 0; '
    f"before=$now n=$((n - 1)); sleep {_PRINTED_S}; done"
)

# On one line, because the supervisor reads lines. The tool appends to both outputs, so emptying one
# at the cap does not disturb it; the dropped bytes still count as written.
_LOG_SIZE = (
    "every=$1 cap=$2 gone=0; shift 2; while :; do "
    'now=$(TZ=UTC date "+%F %T.%N") all=$gone over=; '
    'for s in $(stat -c %s -- "$@"); do all=$((all + s)); [ "$s" -le "$cap" ] || over=1; done; '
    'echo "$now $all"; '
    '[ -z "$over" ] || for f; do s=$(stat -c %s -- "$f") || continue; '
    '[ "$s" -le "$cap" ] || { : >"$f"; gone=$((gone + s)); }; done; '
    'sleep "$every"; done'
)


async def start(
    shell: Shell,
    tools: Sequence[StartedTool],
    folder: str,
    interval_s: float,
    log_s: float,
    cap_mib: int,
    deadline_s: float,
) -> list[Running]:
    """Starts both monitors, writing to `folder`. The caller or the deadline ends them.

    interval_s: pidstat's; log_s: between two sizes of the output.
    """
    pids = await trees(shell, tools) or tuple(pid for tool in tools for pid in tool.pids)
    files = [file for tool in tools for file in (tool.output, tool.errors)]
    return [
        await shell.start(
            pidstat.argv(pids, interval_s),
            deadline_s=deadline_s,
            stdout=f"{folder}/{rawtree.PIDSTAT}",
            env=pidstat.ENV,
        ),
        await shell.start(
            ("sh", "-c", _LOG_SIZE, "logsize", f"{log_s:g}",
             str(cap_mib * 2**20), *files),
            deadline_s=deadline_s,
            stdout=f"{folder}/{rawtree.LOG_SIZE}",
        ),
    ]  # fmt: skip


async def start_idle(
    shell: Shell, interval_s: float, log_s: float, deadline_s: float
) -> list[Running]:
    """Starts both monitors on the supervisor and no output: what they cost a baseline is what they
    cost beside a tool. What they print is dropped."""
    size = ("sh", "-c", _LOG_SIZE, "logsize", f"{log_s:g}", "0", "/dev/null", "/dev/null")
    return [
        await shell.start(argv, deadline_s=deadline_s, env=pidstat.ENV)
        for argv in (pidstat.argv(shell.own_pids[:1], interval_s), size)
    ]


def log_interval_s(interval_s: float, window_s: float) -> float:
    """Seconds between two sizes: enough of them in the window, few enough to cost nothing."""
    return max(_FASTEST_S, min(interval_s, window_s / _SIZES_PER_WINDOW))


async def count_events(shell: Shell, tools: Sequence[StartedTool], folder: str, label: str) -> None:
    """Adds a reading of each tool's events to `folder`, before the load or after it.

    After the load, it waits until the tool has printed what it still holds.
    """
    for part, tool in enumerate(tools):
        pids = tool.pids
        if label == event_counts.END:
            pids = await tree(shell, tool.program.pid)
        await _count(shell, tool, pids, f"{folder}/{rawtree.events_file(part)}", label)


async def _count(
    shell: Shell, tool: StartedTool, pids: tuple[int, ...], path: str, label: str
) -> None:
    files = (tool.output, tool.errors)
    read = (0, 0)
    rule = tool.case.events
    if label == event_counts.END:
        await _until_printed(shell, files, rule.every_s if rule else 0.0)
        before = await shell.run(("cat", "--", path), check=False)
        try:
            read = event_counts.parse_sizes(before.stdout)
        except ParseError:
            return  # the tool's account is missing, its figures are not
    rules = (rule.line, rule.sums, rule.filtered) if rule else (None, False, None)
    variables = [f"{k}={v}" for k, v in event_counts.environment(*rules).items()]
    command = shlex.join(("env", *variables, *event_counts.argv(label, pids, *files, read)))
    await shell.run(("sh", "-c", f"{command} >>{shlex.quote(path)} 2>/dev/null"), check=False)


async def _until_printed(shell: Shell, files: tuple[str, str], every_s: float) -> None:
    """Waits for the next report of a tool that prints every `every_s` seconds; otherwise until the
    outputs stop growing, but not for ever, for others' events go on. By the host's own clock."""
    pause_s = every_s + _PRINTED_S
    argv = ("sleep", f"{pause_s:g}") if every_s else ("sh", "-c", _UNTIL_STILL, "still", *files)
    await shell.run(argv, timeout_s=pause_s + _SLACK_S, check=False)


async def record_memory(shell: Shell, pids: Iterable[int], folder: str) -> None:
    """Writes the memory of these processes, as it is now, to `folder`."""
    read = shlex.join(proc.memory_argv(pids))
    file = shlex.quote(f"{folder}/{rawtree.MEMORY}")
    await shell.run(("sh", "-c", f"{read} >{file} 2>/dev/null"), check=False)
