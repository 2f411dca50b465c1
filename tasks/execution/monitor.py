"""The monitors of a tool while the load runs: pidstat for its processes, and its output's size; and
its memory after the window."""

import shlex
from collections.abc import Iterable

from ..programs import pidstat, proc
from ..storage import rawtree
from .shell import Running, Shell
from .tool import StartedTool, tree

_SIZES_PER_WINDOW = 8
_FASTEST_S = 0.2
"""Between two sizes of the output. Each costs three short processes, about 2 ms of CPU: about 1 %
of one CPU."""

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
    tool: StartedTool,
    folder: str,
    interval_s: float,
    log_s: float,
    cap_mib: int,
    deadline_s: float,
) -> list[Running]:
    """Starts both monitors, writing to `folder`. The caller or the deadline ends them.

    interval_s: pidstat's; log_s: between two sizes of the output.
    """
    pids = await tree(shell, tool.program.pid) or tool.pids
    return [
        await shell.start(
            pidstat.argv(pids, interval_s),
            deadline_s=deadline_s,
            stdout=f"{folder}/{rawtree.PIDSTAT}",
            env=pidstat.ENV,
        ),
        await shell.start(
            ("sh", "-c", _LOG_SIZE, "logsize", f"{log_s:g}",
             str(cap_mib * 2**20), tool.output, tool.errors),
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


async def record_memory(shell: Shell, pids: Iterable[int], folder: str) -> None:
    """Writes the memory of these processes, as it is now, to `folder`."""
    read = shlex.join(proc.memory_argv(pids))
    file = shlex.quote(f"{folder}/{rawtree.MEMORY}")
    await shell.run(("sh", "-c", f"{read} >{file} 2>/dev/null"), check=False)
