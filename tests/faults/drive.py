"""An orchestrator process that a test can kill: measures the remaining slots of a run."""

import asyncio
import sys
from pathlib import Path

from tasks.hold_hosts import hold_hosts
from tasks.storage.run_folder import RunFolder


async def measure(folder: RunFolder) -> None:
    async with hold_hosts(folder, min_free_mib=1, keep_on_hosts=False) as session:
        print("held", flush=True)
        for slot in session.left():
            await session.run(slot)


asyncio.run(measure(RunFolder(Path(sys.argv[1]))))
# VmHWM is this program's peak alone; ru_maxrss includes that of the process that started it
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print("peak_mib", int(status["VmHWM"].split()[0]) // 1024)
