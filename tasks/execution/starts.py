"""Starting and stopping a case's tools again and again while requests on a schedule pass by."""

import asyncio
from collections.abc import Callable, Sequence

from ..model.errors import ParseError
from ..model.plan import Case
from ..programs import bpftool, proc
from ..storage.rawtree import StartRecord
from . import tool
from .shell import Running, Shell

_HELD_S = 0.3  # between attached and stopped
_PAUSE_S = 0.2  # between stopped and the next start
_LONGER = 1.2  # a start may take so many times the longest one so far


async def start_and_stop(
    host: Shell,
    case: Case,
    outputs: Sequence[tuple[str, str]],
    most: int,
    until: float,
    started: Callable[[Sequence[Running]], None],
) -> list[StartRecord]:
    """Up to `most` starts, as many as fit until `until` of the event loop's clock.

    outputs: as for `tool.start_all`; started: hears of each program. Raises ToolFailed if the tool
    does not attach, or not before the window ends.
    """
    loop, found = asyncio.get_running_loop(), list[StartRecord]()
    window_s = until - loop.time()
    longest_s = 0.0
    while len(found) < most and until - loop.time() > _LONGER * longest_s:
        begun = loop.time()
        try:
            async with asyncio.timeout_at(until):
                tools = await tool.start_all(host, case, outputs)
        except TimeoutError:
            if found:
                break
            problem = f"{case.name}: not attached within the {window_s:.0f} s of the window"
            raise tool.ToolFailed("probes_attached", problem) from None
        started([one.program for one in tools])
        try:
            found.append(await _record(host, tools))
            await asyncio.sleep(_HELD_S)
        finally:
            await tool.stop_all(tools)
        longest_s = max(longest_s, loop.time() - begun)
        await asyncio.sleep(_PAUSE_S)
    return found


async def _record(host: Shell, tools: Sequence[tool.StartedTool]) -> StartRecord:
    """What loading has cost, read as soon as all are attached."""
    pids = await tool.trees(host, tools)
    stats = await host.run(("cat", *(f"/proc/{pid}/stat" for pid in pids)), check=False)
    sizes = await host.run(proc.memory_argv(pids), check=False)
    programs = await host.run(bpftool.prog_list_argv(), check=False)
    maps = await host.run(bpftool.map_list_argv(), check=False)
    held = {id for one in tools for id in one.programs}
    return StartRecord(
        ready_s=round(sum(one.ready_s for one in tools), 3),
        cpu_s=_cpu_s(stats.stdout),
        rss_peak_kib=_peak_kib(sizes.stdout),
        maps_bytes=_maps_bytes(programs.stdout, maps.stdout, held),
    )


def _cpu_s(text: str) -> float | None:
    """User and system time of the processes, and of their children that ended."""
    try:
        all_ = [proc.parse_process(line, "/proc/PID/stat") for line in text.splitlines()]
    except ParseError:
        return None
    ticks = sum(one.user_ticks + one.system_ticks + one.children_ticks for one in all_)
    return ticks / proc.USER_HZ if all_ else None


def _peak_kib(text: str) -> int | None:
    try:
        sizes = proc.parse_memory(text, "/proc/PID/status")
    except ParseError:
        return None
    return sum(size.peak_resident_kib for size in sizes.values()) if sizes else None


def _maps_bytes(programs: str, maps: str, held: set[int]) -> int | None:
    """Memory of the maps that these programs use, as the kernel accounts for it; None without
    bpftool."""
    try:
        used = bpftool.parse_maps_of(programs, "bpftool prog")
        sizes = bpftool.parse_map_sizes(maps, "bpftool map")
    except ParseError:
        return None
    return sum(sizes.get(id, 0) for id in {id for one in held for id in used.get(one, ())})
