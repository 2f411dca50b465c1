"""Durations as a host has them: where it counts instructions, its second is several of ours."""

import time

from ..programs import proc
from .shell import Shell


async def host_time_s(shell: Shell) -> float:
    """Seconds that only pass as the host's do, from an arbitrary start. Raises RemoteError."""
    if shell.pace == 1:
        return time.monotonic()
    answer = await shell.run(("cat", "/proc/uptime"))
    return proc.parse_uptime(answer.stdout, f"{shell.node.name}: /proc/uptime")
