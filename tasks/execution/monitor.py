"""What watches a tool while the load runs: pidstat over its processes, its output's size."""

from ..programs import pidstat
from ..storage import rawtree
from .shell import Running, Shell
from .tool import StartedTool, tree

# One line, so that the supervisor can carry it. The output is opened for appending, so emptying it
# at the cap costs the tool nothing; what was dropped still counts as written.
_LOG_SIZE = (
    'f=$1 every=$2 cap=$3 gone=0; while :; do s=$(stat -c %s -- "$f") || s=0; '
    'echo "$(TZ=UTC date "+%F %T.%N") $((s + gone))"; '
    'if [ "$s" -gt "$cap" ]; then : >"$f"; gone=$((gone + s)); fi; sleep "$every"; done'
)


async def start(
    shell: Shell,
    tool: StartedTool,
    folder: str,
    interval_s: float,
    cap_mib: int,
    deadline_s: float,
) -> list[Running]:
    """Both monitors, writing to `folder`; stopped by the caller, ended by their deadline."""
    pids = await tree(shell, tool.program.pid) or tool.pids
    return [
        await shell.start(
            pidstat.argv(pids, interval_s),
            deadline_s=deadline_s,
            stdout=f"{folder}/{rawtree.PIDSTAT}",
            env=pidstat.ENV,
        ),
        await shell.start(
            ("sh", "-c", _LOG_SIZE, "logsize", tool.output, f"{interval_s:g}",
             str(cap_mib * 2**20)),
            deadline_s=deadline_s,
            stdout=f"{folder}/{rawtree.LOG_SIZE}",
        ),
    ]  # fmt: skip
