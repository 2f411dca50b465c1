"""The window of one load: its clients are started, and each node is read at both ends.

On the instruction clock nothing may be sent to a host while it measures: every packet that it gets
from us is work of its one CPU, and in the figure. There all that belongs to the window is told to
the hosts beforehand, to begin at an uptime of theirs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from ..model.plan import Workload
from ..programs.loads import LOADS
from ..storage.rawtree import SNAPSHOTS
from .host_time import host_time_s
from .shell import Running, Shell

_LEAD_S = 0.15  # from a client's start to its first packet, at most
_TAIL_S = 0.05  # the end snapshot is taken this long before the load ends
_TOLD_WITHIN_S, _TOLD_EACH_S = 2.0, 0.5  # host's seconds in which all is told: and for each client

StartClients = Callable[[float | None], Awaitable[list[Running]]]
"""Starts the clients at once, or those that begin at an uptime of their host."""

Inside = Callable[[float], Awaitable[None]]
"""Given the time of the event loop's clock at which the window ends."""

Folders = Mapping[str, tuple[Shell, str]]
"""Node -> the node, and the folder there to which its snapshots go."""


async def measure(
    start_clients: StartClients, workload: Workload, folders: Folders, inside: Inside | None = None
) -> tuple[list[Running], dict[str, tuple[float, float]]]:
    """The clients, at the window's end; node -> its clock minus ours, and the error of that, in s.

    inside: what is done in the window. Raises RemoteError, and what `inside` raises.
    """
    begun = time.monotonic()
    clients = await start_clients(None)
    await _until(begun + _omitted_s(workload) + _LEAD_S)
    clocks = await _snap("start", folders)
    end = begun + _omitted_s(workload) + workload.window_s - _TAIL_S
    if inside is not None:
        await inside(asyncio.get_running_loop().time() + end - time.monotonic())
    await _until(end)
    await _snap("end", folders)
    return clients, clocks


async def measure_in_silence(
    start_clients: StartClients, client: Shell, workload: Workload, folders: Folders
) -> list[Running]:
    """The clients, after the window. Raises RemoteError.

    The hosts' clocks are not compared with ours, which runs several times as fast.
    """
    nodes = {node: shell for node, (shell, _) in folders.items()}
    uptimes = dict(zip(nodes, await asyncio.gather(*map(host_time_s, nodes.values())), strict=True))
    begin_s = _TOLD_WITHIN_S + _TOLD_EACH_S * workload.streams
    clients = await start_clients(uptimes[client.node.name] + begin_s)
    start_s = begin_s + _omitted_s(workload) + _LEAD_S
    length_s = workload.window_s - _LEAD_S - _TAIL_S
    await asyncio.gather(
        *(
            shell.measure(uptimes[node] + start_s, length_s, f"{folder}/{SNAPSHOTS}")
            for node, (shell, folder) in folders.items()
        )
    )
    return clients


def _omitted_s(workload: Workload) -> float:
    """Seconds of the client's run that come before the window."""
    return workload.warmup_s if LOADS[workload.program].warm_up is None else 0.0


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


async def _snap(label: str, folders: Folders) -> dict[str, tuple[float, float]]:
    clocks = await asyncio.gather(
        *(shell.snap(label, f"{folder}/{SNAPSHOTS}") for shell, folder in folders.values())
    )
    return dict(zip(folders, clocks, strict=True))
