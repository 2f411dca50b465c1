"""An orchestrator in a process of its own, to be killed: measures what is left of a run."""

import asyncio
import sys
from pathlib import Path

from tasks.run_case import hold_hosts


async def measure(folder: Path) -> None:
    async with hold_hosts(
        folder, folder.parent.name, min_free_mib=1, keep_on_hosts=False
    ) as campaign:
        print("held", flush=True)
        for slot in campaign.left():
            await campaign.run(slot)


asyncio.run(measure(Path(sys.argv[1])))
# VmHWM is this program's own: ru_maxrss keeps the peak of the process that started it
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print("peak_mib", int(status["VmHWM"].split()[0]) // 1024)
