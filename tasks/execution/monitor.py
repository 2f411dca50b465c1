"""The monitors of a tool while the load runs: pidstat for its processes, and its output's size."""

from ..programs import pidstat
from ..storage import rawtree
from .shell import Running, Shell
from .tool import StartedTool, tree

# On one line, because the supervisor reads lines. The tool appends to both outputs, so emptying one
# at the cap does not disturb it; the dropped bytes still count as written.
_LOG_SIZE = (
    "every=$1 cap=$2 gone=0; shift 2; while :; do all=$gone; "
    'for f; do s=$(stat -c %s -- "$f") || s=0; all=$((all + s)); '
    'if [ "$s" -gt "$cap" ]; then : >"$f"; gone=$((gone + s)); fi; done; '
    'echo "$(TZ=UTC date "+%F %T.%N") $all"; sleep "$every"; done'
)


async def start(
    shell: Shell,
    tool: StartedTool,
    folder: str,
    interval_s: float,
    cap_mib: int,
    deadline_s: float,
) -> list[Running]:
    """Starts both monitors, writing to `folder`. The caller or the deadline ends them."""
    pids = await tree(shell, tool.program.pid) or tool.pids
    return [
        await shell.start(
            pidstat.argv(pids, interval_s),
            deadline_s=deadline_s,
            stdout=f"{folder}/{rawtree.PIDSTAT}",
            env=pidstat.ENV,
        ),
        await shell.start(
            ("sh", "-c", _LOG_SIZE, "logsize", f"{interval_s:g}", str(cap_mib * 2**20),
             tool.output, tool.errors),
            deadline_s=deadline_s,
            stdout=f"{folder}/{rawtree.LOG_SIZE}",
        ),
    ]  # fmt: skip
