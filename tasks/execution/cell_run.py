"""One cell on its hosts: servers, monitors, clients, the window, and its files brought home."""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..model.errors import HostsBusy, OverheadError, RemoteError
from ..model.outcome import HostState, StoredFile
from ..model.plan import Workload
from ..storage import rawtree
from . import load, monitor
from .bpf import programs_of
from .fingerprint import epoch_of, look_at
from .shell import Running, Shell
from .site import Site, remote_tree
from .tool import StartedTool, tree

_LEAD_S = 0.15  # from a client's start to its first packet, at most
_TAIL_S = 0.05  # the last look comes so long before the load ends
_FETCH_AGAIN_S = (0.5, 2.0, 5.0)
_NOT_FETCHED = "transport: not fetched"


@dataclass(frozen=True, slots=True)
class RanCell:
    """A cell that was run, however it ended; its files lie in the raw tree here."""

    record: rawtree.CellRecord
    metadata: str  # the record's path below the client node's tree
    files: tuple[StoredFile, ...] = ()
    fetched: bool = True  # else its files are still on the hosts


@dataclass(slots=True)
class _Seen:
    """What a cell started and noted on its hosts, by node; also of a cell that did not end."""

    running: list[Running] = field(default_factory=list)
    own_pids: dict[str, set[int]] = field(default_factory=dict)
    clocks: dict[str, tuple[float, float]] = field(default_factory=dict)
    looks: dict[str, HostState] = field(default_factory=dict)
    programs: tuple[int, ...] | None = None

    def started(self, shell: Shell, programs: Iterable[Running]) -> None:
        self.running += programs
        own = self.own_pids.setdefault(shell.node.name, set())
        own |= {*shell.own_pids, *(program.pid for program in programs)}


async def run(
    site: Site, slot: rawtree.SlotRecord, slot_file: str, workload: Workload,
    tool: StartedTool | None,
) -> RanCell:  # fmt: skip
    """Runs the workload once. A failure on a host is in the record, not raised."""
    workload = load.pinned(workload, site.environment, site.pair(slot.layer))
    ts = rawtree.stamp(slot.attempt)
    folders = rawtree.cell_folders(slot.case, slot.layer, workload, ts)
    ports = site.ports.take(workload.streams)
    started, failure, seen = time.time(), "", _Seen()
    try:
        async with asyncio.timeout(2 * load.deadline_s(workload)):
            await _load(site, slot, workload, tool, folders, ports, seen)
    except TimeoutError:
        failure = "transport: the cell did not end by its deadline"
    except OverheadError as error:
        failure = f"transport: {error}"
    finally:
        await load.end(seen.running)
    record = rawtree.CellRecord(
        workload=workload,
        ts=ts,
        slot=slot_file,
        folders=folders,
        ports=ports,
        started=started,
        ended=time.time(),
        failure=failure,
        clock_offset_s={node: offset for node, (offset, _) in seen.clocks.items()},
        clock_error_s={node: error for node, (_, error) in seen.clocks.items()},
        own_pids={node: tuple(sorted(pids)) for node, pids in seen.own_pids.items()},
        looks=seen.looks,
        epoch=epoch_of(site.epoch, seen.looks) if seen.looks else "",
        programs=seen.programs,
    )
    metadata = f"{folders['client']}/{rawtree.METADATA}"
    return await fetch(site, slot, RanCell(record, metadata))


async def fetch(site: Site, slot: rawtree.SlotRecord, ran: RanCell) -> RanCell:
    """The cell with its files brought home. Where they do not come, its record says so; the
    measurement stands, and another try may bring them."""
    path = site.tree(slot.iteration, slot.client) / ran.metadata
    failed = ran.record.failure
    whole = replace(ran.record, failure="" if failed.startswith(_NOT_FETCHED) else failed)
    rawtree.write_json(path, whole)
    try:
        files = await _collect(site, slot, whole.folders, () if whole.failure else _FETCH_AGAIN_S)
    except OverheadError as error:
        record = replace(whole, failure=whole.failure or f"{_NOT_FETCHED}: {error}")
        rawtree.write_json(path, record)
        return RanCell(record, ran.metadata, fetched=bool(whole.failure))
    return RanCell(whole, ran.metadata, files)


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
    folders: dict[str, str], ports: tuple[int, ...], seen: _Seen,
) -> None:  # fmt: skip
    pair, sides = site.pair(slot.layer), site.sides(slot.layer)
    places = _places(site, slot, folders)
    await asyncio.gather(*(shell.run(("mkdir", "-p", path)) for shell, path in places.values()))
    (server, server_path), (client, client_path) = places["server"], places["client"]
    await site.steps.hooks("test", "init", sides)
    seen.started(server, await load.start_servers(server, pair, workload, ports, server_path))
    await load.warm_up(client, pair, workload, ports[0], client_path)
    monitors: list[Running] = []
    if tool is not None:
        host, path = places["monitor"]
        limit_s = load.deadline_s(workload)
        interval_s, cap_mib = slot.monitor_interval_s, site.plan.design.log_cap_mib
        monitors = await monitor.start(host, tool, path, interval_s, cap_mib, limit_s)
        seen.started(host, monitors)
    looks: dict[str, tuple[Shell, str]] = {}
    for shell, path in places.values():
        looks.setdefault(shell.node.name, (shell, path))
        seen.started(shell, ())
    begun = time.monotonic()
    clients = await load.start_clients(client, pair, workload, ports, client_path)
    seen.started(client, clients)
    omitted_s = workload.warmup_s if workload.program == "iperf3" else 0.0
    await _until(begun + omitted_s + _LEAD_S)
    seen.clocks = await _snap("start", looks)
    await _until(begun + omitted_s + workload.window_s - _TAIL_S)
    await _snap("end", looks)
    await load.finish(clients, load.SLACK_S)
    if tool is not None:
        held = await programs_of(host, await tree(host, tool.program.pid))
        seen.programs = tuple(sorted(held))
    await load.end(monitors)
    seen.looks = await look_at(sides.values(), site.environment, pair, slot.looks)
    await site.steps.hooks("test", "post", sides)


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


async def _snap(label: str, looks: dict[str, tuple[Shell, str]]) -> dict[str, tuple[float, float]]:
    """Node -> its clock minus ours, and what that is uncertain by."""
    clocks = await asyncio.gather(
        *(shell.snap(label, f"{path}/{rawtree.SNAPSHOTS}") for shell, path in looks.values())
    )
    return dict(zip(looks, clocks, strict=True))


async def _collect(
    site: Site, slot: rawtree.SlotRecord, folders: dict[str, str], pauses_s: tuple[float, ...]
) -> tuple[StoredFile, ...]:
    """Brings the cell's folders home, checked; then removes them there unless they are kept.

    pauses_s: what failed is tried again after each, over a new connection where that was lost.
    """
    by_node: dict[str, tuple[Shell, list[str]]] = {}
    for side, (shell, _) in _places(site, slot, folders).items():
        by_node.setdefault(shell.node.name, (shell, []))[1].append(folders[side])

    async def bring(shell: Shell, paths: list[str]) -> tuple[StoredFile, ...]:
        base, name = remote_tree(shell), shell.node.name
        for pause_s in pauses_s:
            try:
                await shell.revive()
                return await shell.collect(base, paths, site.tree(slot.iteration, name))
            except (RemoteError, HostsBusy) as error:
                async with site.steps.step("test", "post", f"fetch again: {error}", name):
                    await asyncio.sleep(pause_s)
        return await shell.collect(base, paths, site.tree(slot.iteration, name))

    async def remove(shell: Shell, paths: list[str]) -> None:
        with contextlib.suppress(RemoteError):  # the slot's end removes what stays
            await shell.run(("rm", "-rf", "--", *(f"{remote_tree(shell)}/{p}" for p in paths)))

    brought = await asyncio.gather(*(bring(shell, paths) for shell, paths in by_node.values()))
    if not site.keep_on_hosts:
        await asyncio.gather(*(remove(shell, paths) for shell, paths in by_node.values()))
    return tuple(file for files in brought for file in files)
