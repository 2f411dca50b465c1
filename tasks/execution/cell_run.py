"""Runs one cell on its hosts: servers, monitors, clients, the window; then fetches its files."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ..model.errors import HostsBusy, OverheadError, RemoteError
from ..model.outcome import TRANSPORT, Failure, HostState, StoredFile
from ..model.plan import CaseKind, Workload
from ..programs import event_counts
from ..storage import rawtree
from . import capacity, load, monitor, window
from .bpf import programs_of
from .fingerprint import fingerprint_of, read_host_states
from .shell import Running, Shell
from .site import Site, remote_tree
from .starts import start_and_stop
from .tool import StartedTool, ToolFailed, trees

_FETCH_AGAIN_S = (0.5, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class RanCell:
    """A cell that was run, whether or not it succeeded."""

    record: rawtree.CellRecord
    metadata: str  # the record's path below the client node's tree
    files: tuple[StoredFile, ...] = ()
    fetched: bool = True  # False: its files are still on the hosts


@dataclass(slots=True)
class _CellState:
    """What a cell has started and read on its hosts so far, by node."""

    running: list[Running] = field(default_factory=list)
    own_pids: dict[str, set[int]] = field(default_factory=dict)
    clocks: dict[str, tuple[float, float]] = field(default_factory=dict)
    host_states: dict[str, HostState] = field(default_factory=dict)
    programs: tuple[int, ...] | None = None
    starts: list[rawtree.StartRecord] = field(default_factory=list)

    def started(self, shell: Shell, programs: Iterable[Running]) -> None:
        self.running += programs
        own = self.own_pids.setdefault(shell.node.name, set())
        own |= {*shell.own_pids, *(program.pid for program in programs)}


async def run(
    site: Site, slot: rawtree.SlotRecord, slot_file: str, workload: Workload,
    tools: Sequence[StartedTool],
) -> RanCell:  # fmt: skip
    """Runs the workload once and fetches its files. A failure is in the record, not raised."""
    workload = load.pinned(workload, site.environment, site.pair(slot.layer))
    if workload.load_pct is not None:
        rate = site.capacities[slot.layer] * workload.load_pct / 100
        workload = capacity.at_rate(workload, rate)
    ts = rawtree.stamp(slot.attempt)
    folders = rawtree.cell_folders(slot.case, slot.layer, workload, ts)
    ports = site.ports.take(sum(one.streams for one in workload.loads))
    started, failure, state = time.time(), None, _CellState()
    try:
        pace = max(shell.pace for shell in site.sides(slot.layer).values())
        async with asyncio.timeout(2 * load.deadline_s(workload) * pace):
            await _load(site, slot, workload, tools, folders, ports, state)
    except TimeoutError:
        failure = Failure(TRANSPORT, "the cell did not end by its deadline")
    except ToolFailed as error:
        failure = Failure(error.gate, str(error))
    except OverheadError as error:
        failure = Failure(TRANSPORT, str(error))
    finally:
        await load.end(state.running)
    record = rawtree.CellRecord(
        workload=workload,
        ts=ts,
        slot=slot_file,
        folders=folders,
        ports=ports,
        started=started,
        ended=time.time(),
        failure=failure,
        clock_offset_s={node: offset for node, (offset, _) in state.clocks.items()},
        clock_error_s={node: error for node, (_, error) in state.clocks.items()},
        own_pids={node: tuple(sorted(pids)) for node, pids in state.own_pids.items()},
        host_states=state.host_states,
        epoch=fingerprint_of(site.epoch, state.host_states) if state.host_states else "",
        programs=state.programs,
        starts=tuple(state.starts),
    )
    metadata = f"{folders['client']}/{rawtree.METADATA}"
    return await fetch(site, slot, RanCell(record, metadata))


async def fetch(site: Site, slot: rawtree.SlotRecord, ran: RanCell) -> RanCell:
    """Fetches the cell's files. If that fails, the record says so: the measurement is kept, and the
    files can be fetched later. The fetch is retried only for a cell that ran to its end."""
    path = site.tree(slot.iteration, slot.client) / ran.metadata
    record = replace(ran.record, not_fetched="")
    rawtree.write_json(path, record)
    try:
        pauses_s = () if record.failure else _FETCH_AGAIN_S
        files = await _collect(site, slot, record.folders, pauses_s)
    except OverheadError as error:
        if record.failure:
            return RanCell(record, ran.metadata)
        record = replace(record, not_fetched=str(error))
        rawtree.write_json(path, record)
        return RanCell(record, ran.metadata, fetched=False)
    return RanCell(record, ran.metadata, files)


def _places(
    site: Site, slot: rawtree.SlotRecord, folders: dict[str, str]
) -> dict[str, tuple[Shell, str]]:
    """side -> its host and the folder's full path there; no monitor side for a baseline."""
    sides = site.sides(slot.layer)
    of_side = {"client": "client", "server": "server"}
    is_baseline = slot.case.kind is CaseKind.BASELINE
    if not is_baseline or slot.tool_host not in (slot.client, slot.server):
        of_side["monitor"] = "tool_host"
    return {
        side: (sides[of_side[side]], f"{remote_tree(sides[of_side[side]])}/{folder}")
        for side, folder in folders.items()
        if side in of_side
    }


async def _load(
    site: Site, slot: rawtree.SlotRecord, workload: Workload, tools: Sequence[StartedTool],
    folders: dict[str, str], ports: tuple[int, ...], state: _CellState,
) -> None:  # fmt: skip
    pair, sides = site.pair(slot.layer), site.sides(slot.layer)
    places = _places(site, slot, folders)
    await asyncio.gather(*(shell.run(("mkdir", "-p", path)) for shell, path in places.values()))
    (server, server_path), (client, client_path) = places["server"], places["client"]
    await site.steps.hooks("test", "init", sides)
    loads = load.with_ports(workload, ports)
    for one, own_ports in loads:
        state.started(server, await load.start_servers(server, pair, one, own_ports, server_path))
    await load.warm_up(client, pair, workload, ports[0], client_path)
    if tools:
        host, path = places["monitor"]
        await monitor.count_events(host, tools, path, event_counts.START)
    monitors = await _start_monitors(site, slot, workload, tools, places, sides["tool_host"])
    state.started(sides["tool_host"], monitors)
    snapshots: dict[str, tuple[Shell, str]] = {}
    for shell, path in places.values():
        snapshots.setdefault(shell.node.name, (shell, path))
        state.started(shell, ())

    async def start_clients(at_s: float | None) -> list[Running]:
        clients = [
            started
            for one, own_ports in reversed(loads)  # what runs beside the workload is there first
            for started in await load.start_clients(client, pair, one, own_ports, client_path, at_s)
        ]
        state.started(client, clients)
        return clients

    if site.in_silence:
        clients = await window.measure_in_silence(start_clients, client, workload, snapshots)
    else:
        starts = workload.starts if slot.case.kind is not CaseKind.BASELINE else None

        async def start_tools(until: float) -> None:
            host, path = places["monitor"]
            files = rawtree.output_files(slot.case, slot.ts)
            outputs = [(f"{path}/{output}", f"{path}/{errors}") for output, errors in files]
            state.starts += await start_and_stop(
                host, slot.case, outputs, starts or 0, until, partial(state.started, host)
            )

        clients, state.clocks = await window.measure(
            start_clients, workload, snapshots, start_tools if starts else None
        )
    await load.finish(clients, load.SLACK_S * client.pace)
    if tools:
        host, path = places["monitor"]
        await monitor.count_events(host, tools, path, event_counts.END)
        pids = await trees(host, tools)
        state.programs = tuple(sorted(await programs_of(host, pids)))
        await monitor.record_memory(host, pids, path)
    await load.end(monitors)
    state.host_states = await read_host_states(
        sides.values(), site.environment, pair, slot.host_states
    )
    await site.steps.hooks("test", "post", sides)


async def _start_monitors(
    site: Site, slot: rawtree.SlotRecord, workload: Workload, tools: Sequence[StartedTool],
    places: dict[str, tuple[Shell, str]], tool_host: Shell,
) -> list[Running]:  # fmt: skip
    """The monitors of the tool; where they would be in the figures, such beside a baseline too."""
    interval_s, limit_s = slot.monitor_interval_s, load.deadline_s(workload)
    often_s = monitor.log_interval_s(interval_s, workload.window_s)
    log_s = interval_s if site.in_silence else often_s
    if tools:
        host, path = places["monitor"]
        cap_mib = site.plan.design.log_cap_mib
        return await monitor.start(host, tools, path, interval_s, log_s, cap_mib, limit_s)
    if site.in_silence:
        return await monitor.start_idle(tool_host, interval_s, log_s, limit_s)
    return []


async def _collect(
    site: Site, slot: rawtree.SlotRecord, folders: dict[str, str], pauses_s: tuple[float, ...]
) -> tuple[StoredFile, ...]:
    """Fetches the cell's folders, verifies them, and removes them from the hosts unless kept there.

    pauses_s: pauses before the retries of a failed fetch; a lost connection is opened again first.
    """
    by_node: dict[str, tuple[Shell, list[str]]] = {}
    for side, (shell, _) in _places(site, slot, folders).items():
        by_node.setdefault(shell.node.name, (shell, []))[1].append(folders[side])

    async def fetch_from(shell: Shell, paths: list[str]) -> tuple[StoredFile, ...]:
        base, name = remote_tree(shell), shell.node.name
        for pause_s in pauses_s:
            try:
                await shell.revive()
                return await shell.collect(base, paths, site.tree(slot.iteration, name))
            except (RemoteError, HostsBusy) as error:
                async with site.steps.step("test", "post", f"retry fetch: {error}", name):
                    await asyncio.sleep(pause_s)
        return await shell.collect(base, paths, site.tree(slot.iteration, name))

    async def remove(shell: Shell, paths: list[str]) -> None:
        with contextlib.suppress(RemoteError):  # the end of the slot removes the rest
            await shell.run(("rm", "-rf", "--", *(f"{remote_tree(shell)}/{p}" for p in paths)))

    fetched = await asyncio.gather(*(fetch_from(*place) for place in by_node.values()))
    if not site.keep_on_hosts:
        await asyncio.gather(*(remove(*place) for place in by_node.values()))
    return tuple(file for files in fetched for file in files)
