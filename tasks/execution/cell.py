"""One cell on its hosts: servers, monitors, clients, the window, and its files brought home."""

import asyncio
import time
from dataclasses import dataclass

from ..model.errors import OverheadError, RemoteError
from ..model.outcome import StoredFile
from ..model.plan import Workload
from ..storage import rawtree
from . import load, monitor
from .shell import Running, Shell
from .site import Site, remote_tree
from .tool import StartedTool

_LEAD_S = 0.15  # from a client's start to its first packet, at most
_TAIL_S = 0.05  # the last look comes so long before the load ends


@dataclass(frozen=True, slots=True)
class RanCell:
    """A cell that was run, however it ended; its files lie in the raw tree here."""

    record: rawtree.CellRecord
    metadata: str  # the record's path below the client node's tree
    files: tuple[StoredFile, ...]


async def run(
    site: Site, slot: rawtree.SlotRecord, slot_file: str, workload: Workload,
    tool: StartedTool | None,
) -> RanCell:  # fmt: skip
    """Runs the workload once. A failure on a host is in the record, not raised."""
    ts = time.strftime("%Y%m%d_%H%M%S", time.gmtime())
    folders = rawtree.cell_folders(slot.case, slot.layer, workload, ts)
    ports = site.ports.take(workload.streams)
    started, failure = time.time(), ""
    running: list[Running] = []
    try:
        async with asyncio.timeout(2 * load.deadline_s(workload)):
            await _load(site, slot, workload, tool, folders, ports, running)
    except TimeoutError:
        failure = "transport: the cell did not end by its deadline"
    except RemoteError as error:
        failure = f"transport: {error}"
    finally:
        await load.end(running)
    files: tuple[StoredFile, ...] = ()
    try:
        files = await _collect(site, slot, folders)
    except OverheadError as error:
        failure = failure or f"transport: {error}"
    record = rawtree.CellRecord(
        workload=workload,
        ts=ts,
        slot=slot_file,
        folders=folders,
        ports=ports,
        started=started,
        ended=time.time(),
        failure=failure,
    )
    metadata = f"{folders['client']}/{rawtree.METADATA}"
    rawtree.write_json(site.tree(slot.iteration, slot.client) / metadata, record)
    return RanCell(record, metadata, files)


def _places(
    site: Site, slot: rawtree.SlotRecord, folders: dict[str, str]
) -> dict[str, tuple[Shell, str]]:
    """side -> its host and the folder's whole path there; no monitor where nothing is watched."""
    sides = site.sides(slot.layer)
    of_side = {"client": "client", "server": "server"}
    if slot.tool is not None or slot.tool_host not in (slot.client, slot.server):
        of_side["monitor"] = "tool_host"
    return {
        side: (sides[of_side[side]], f"{remote_tree(sides[of_side[side]])}/{folder}")
        for side, folder in folders.items()
        if side in of_side
    }


async def _load(
    site: Site, slot: rawtree.SlotRecord, workload: Workload, tool: StartedTool | None,
    folders: dict[str, str], ports: tuple[int, ...], running: list[Running],
) -> None:  # fmt: skip
    pair, sides = site.pair(slot.layer), site.sides(slot.layer)
    places = _places(site, slot, folders)
    await asyncio.gather(*(shell.run(("mkdir", "-p", path)) for shell, path in places.values()))
    (server, server_path), (client, client_path) = places["server"], places["client"]
    await site.steps.hooks("test", "init", sides)
    running += await load.start_servers(server, pair, workload, ports, server_path)
    await load.warm_up(client, pair, workload, ports[0], client_path)
    monitors: list[Running] = []
    if tool is not None:
        host, path = places["monitor"]
        limit_s = load.deadline_s(workload)
        interval_s, cap_mib = slot.monitor_interval_s, site.plan.design.log_cap_mib
        monitors = await monitor.start(host, tool, path, interval_s, cap_mib, limit_s)
        running += monitors
    looks: dict[str, tuple[Shell, str]] = {}
    for shell, path in places.values():
        looks.setdefault(shell.node.name, (shell, path))
    begun = time.monotonic()
    clients = await load.start_clients(client, pair, workload, ports, client_path)
    running += clients
    omitted_s = workload.warmup_s if workload.program == "iperf3" else 0.0
    await _until(begun + omitted_s + _LEAD_S)
    await _snap("start", looks)
    await _until(begun + omitted_s + workload.window_s - _TAIL_S)
    await _snap("end", looks)
    await load.finish(clients, load.SLACK_S)
    await load.end(monitors)
    await site.steps.hooks("test", "post", sides)


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


async def _snap(label: str, looks: dict[str, tuple[Shell, str]]) -> None:
    await asyncio.gather(
        *(shell.snap(label, f"{path}/{rawtree.SNAPSHOTS}") for shell, path in looks.values())
    )


async def _collect(
    site: Site, slot: rawtree.SlotRecord, folders: dict[str, str]
) -> tuple[StoredFile, ...]:
    """Brings the cell's folders home, checked; then removes them there unless they are kept."""
    by_node: dict[str, tuple[Shell, list[str]]] = {}
    for side, (shell, _) in _places(site, slot, folders).items():
        by_node.setdefault(shell.node.name, (shell, []))[1].append(folders[side])

    async def bring(shell: Shell, paths: list[str]) -> tuple[StoredFile, ...]:
        base, name = remote_tree(shell), shell.node.name
        stored = await shell.collect(base, paths, site.tree(slot.iteration, name))
        if not site.keep_on_hosts:
            await shell.run(("rm", "-rf", "--", *(f"{base}/{path}" for path in paths)))
        return stored

    brought = await asyncio.gather(*(bring(shell, paths) for shell, paths in by_node.values()))
    return tuple(file for files in brought for file in files)
