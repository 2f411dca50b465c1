"""Runs one slot: attaches the case's tool once, runs all workloads, stops the tool.

hooks → host state → start, wait until attached → attribution → cells → stop → check for residue
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..model.errors import HostNotClean, HostsBusy, RemoteError
from ..model.outcome import TRANSPORT, UNATTACHABLE, CellStatus, Failure, HostState, Outcome
from ..model.plan import Case, CaseKind, Slot, Workload
from ..programs.bpftool import BpfState
from ..reading.cell import ParsedCell, judge_cell, key_of, parse_cell
from ..storage import rawtree
from . import attribution, load, residue, tool
from . import cell_run as cells
from .attach import case_key
from .bpf import residue_of, state_of
from .fingerprint import fingerprint_of, read_host_states
from .shell import Shell
from .site import Site, remote_tree

OutcomeListener = Callable[[Outcome], None]

_CLEAN_WITHIN_S = 10.0  # the kernel frees BPF objects a moment after their process has ended
_KEPT_OUTPUT = 2**20  # bytes of a tool's output that are fetched; its full size is recorded


async def run_slot(
    site: Site, slot: Slot, workloads: Sequence[Workload], attempt: int, listener: OutcomeListener
) -> list[Outcome]:
    """Runs these workloads of the slot's case. Each outcome is passed to the listener at once.

    Raises HostNotClean, after the outcomes, if the tool left residue. A lost host is not raised but
    recorded in the outcomes (`invalid`, gate transport).
    """
    running = _RunningSlot(site, slot, attempt, listener)
    try:
        await running.begin()
        attached = [workload for workload in workloads if workload.starts is None]
        if not attached:
            await running.open_case()
        for workload in workloads:
            if workload.starts is not None:  # it starts the tool itself
                await running.measure(workload)
        if attached:
            await running.attach()
            await running.open_case()
        for workload in attached:
            if running.tool_has_ended:
                running.fail(workloads, Failure("tool_alive", "the tool ended before this cell"))
            else:
                await running.measure(workload)
    except tool.ToolFailed as error:
        if error.for_good:
            running.give_up(str(error))
        running.fail(workloads, Failure(error.gate, str(error)))
    except RemoteError as error:
        running.fail(workloads, Failure(TRANSPORT, str(error)))
    finally:
        await running.end()
    running.raise_if_not_clean()
    return list(running.outcomes.values())


class _RunningSlot:
    """A slot while it runs. `record` is filled in as it runs; `outcomes` holds each workload's last
    outcome."""

    def __init__(self, site: Site, slot: Slot, attempt: int, listener: OutcomeListener) -> None:
        pair = self.pair = site.pair(slot.layer)
        case = self.case = site.plan.case(slot.case_id, slot.layer)
        self.site, self._listener = site, listener
        self.sides = site.sides(slot.layer)
        self.host: Shell = self.sides["tool_host"]
        self.outcomes: dict[str, Outcome] = {}
        self._ran: dict[str, cells.RanCell] = {}
        self._parsed: dict[str, ParsedCell] = {}
        self._tools: tuple[tool.StartedTool, ...] = ()
        self._before: BpfState | None = None
        self._devices = (pair.server_interface,) if pair.tool_host == pair.server else ()
        self.record = rawtree.SlotRecord(
            environment=site.environment.name,
            run=site.run,
            layer=slot.layer,
            iteration=slot.iteration,
            position=slot.position,
            attempt=attempt,
            ts=rawtree.stamp(attempt),
            case=case,
            server=pair.server.name,
            client=pair.client.name,
            tool_host=pair.tool_host.name,
            server_interface=pair.server_interface,
            client_interface=pair.client_interface,
            monitor_interval_s=site.monitor_interval_s,
            epoch="",
            load_before=site.load_before,
            max_load=site.max_load,
        )
        self.folder = rawtree.slot_folder(case, slot.layer)
        self.file = f"{self.folder}/metadata_{slot.position:03d}_{self.record.ts}.json"

    @property
    def tool_has_ended(self) -> bool:
        return any(not one.program.running for one in self._tools)

    def give_up(self, reason: str) -> None:
        """No later slot of this session starts the tool again."""
        self.site.unattachable[case_key(self.case)] = reason

    # -- before the first cell

    async def begin(self) -> None:
        """Reads the states of the hosts. Raises ToolFailed, RemoteError."""
        if reason := self.site.unattachable.get(case_key(self.case)):
            raise tool.ToolFailed(UNATTACHABLE, reason)
        steps, name = self.site.steps, self.host.node.name
        await steps.hooks("tool", "init", self.sides)
        async with steps.step("tool", "init", "read host states"):
            await self._fingerprint()
        if self.case.kind is not CaseKind.BASELINE:
            async with steps.step("tool", "init", "state before", name):
                self._before = await state_of(self.host, self._devices)
                await self._note_residue()
        self._write()

    async def attach(self) -> None:
        """Starts the tool and counts its programs' runs. Raises ToolFailed, RemoteError."""
        steps, name = self.site.steps, self.host.node.name
        if self.case.kind is not CaseKind.BASELINE:
            path = f"{remote_tree(self.host)}/{self.folder}"
            await self.host.run(("mkdir", "-p", path))
            async with steps.step("tool", "init", f"start {self.case.name}", name):
                await self._start(path)
            async with steps.step("tool", "init", "attribution", name):
                await self._attribute()
            # kernel warnings during the attach fall into no window: only later ones count
            self._update_log_stamps(await self._host_states())
        self._write()

    async def open_case(self) -> None:
        """The user's hooks of level `case`, before its cells."""
        await self.site.steps.hooks("case", "init", self.sides)

    async def _host_states(self) -> dict[str, HostState]:
        return await read_host_states(self.sides.values(), self.site.environment, self.pair)

    async def _fingerprint(self) -> None:
        """Records the host states before the case, their fingerprint and the first baseline's."""
        states = await self._host_states()
        epoch = fingerprint_of(self.site.epoch, states)
        first = rawtree.first_baseline(self._tree(self.record.client), self.record.layer)
        self.record = replace(
            self.record,
            host_states=states,
            epoch=epoch,
            baseline_epoch=epoch if first is None else first.epoch,
        )

    def _update_log_stamps(self, now: dict[str, HostState]) -> None:
        states = {
            name: replace(state, log_stamp=now[name].log_stamp)
            for name, state in self.record.host_states.items()
        }
        self.record = replace(self.record, host_states=states)

    async def _note_residue(self) -> None:
        """Writes the residue note, so that a resumed run checks this host before it measures."""
        if self._before is not None:
            name, boot_id = self.host.node.name, await residue.boot_id(self.host)
            note = residue.Note(name, self.case.name, boot_id, self._devices, self._before)
            residue.write_note(self.site.folder.residue_note, note)

    async def _start(self, path: str) -> None:
        files = rawtree.output_files(self.case, self.record.ts)
        outputs = [(f"{path}/{output}", f"{path}/{errors}") for output, errors in files]
        self._tools = await tool.start_all(self.host, self.case, outputs)
        now = await state_of(self.host, ())
        before = {p.id for p in (self._before.programs if self._before else None) or ()}
        held = {id for one in self._tools for id in one.programs}
        after = held | {p.id for p in (now.programs if now else None) or ()}
        first, *others = [await self._recorded(one) for one in self._tools]
        self.record = replace(
            self.record,
            tool=first,
            others=tuple(others),
            programs_before=tuple(sorted(before)),
            programs_after=tuple(sorted(after)),
        )

    async def _recorded(self, started: tool.StartedTool) -> rawtree.ToolRecord:
        return rawtree.ToolRecord(
            pid=started.program.pid,
            start_ticks=started.start_ticks,
            pids=started.pids,
            ready_s=round(started.ready_s, 3),
            sha256=await self._checksum(started.case),
            programs=tuple(sorted(started.programs)),
        )

    async def _checksum(self, case: Case) -> str:
        """sha256 of the tool's script on its host; empty if the command names no script."""
        path = tool.script_path(case, self.host.node)
        if path is None:
            return ""
        answer = await self.host.run(("sha256sum", "--", path), check=False)
        return answer.stdout.partition(" ")[0]

    async def _attribute(self) -> None:
        design = self.site.plan.design
        if not self._tools or design.attribution_s <= 0:
            return
        folders = {
            side: f"{remote_tree(self.sides[side])}/{self.folder}/attribution"
            for side in ("server", "client")
        }
        await asyncio.gather(
            *(self.sides[side].run(("mkdir", "-p", path)) for side, path in folders.items())
        )
        paced = attribution.paced(design, self.site.plan.workloads[0].affinity)
        workload = load.pinned(paced, self.site.environment, self.pair)
        counted = await attribution.measure(
            self.sides, self.pair, workload, self._tools, self.site.ports.take(1), folders
        )
        self.record = replace(self.record, attribution=counted)

    # -- the cells

    async def measure(self, workload: Workload) -> None:
        name = f"{self.case.name} · {workload.name}"
        async with self.site.steps.step("test", "init", name, self.record.server):
            ran = await cells.run(self.site, self.record, self.file, workload, self._tools)
        if ran.record.failure is not None and ran.record.failure.gate == UNATTACHABLE:
            self.give_up(ran.record.failure.reason)
        self._take(workload.name, ran)

    def _take(self, workload: str, ran: cells.RanCell) -> None:
        self._ran[workload] = ran
        self._parsed[workload] = parse_cell(self._tree, self.record, ran.record)
        self._judge(workload)

    def _judge(self, workload: str) -> None:
        ran, reading = self._ran[workload], judge_cell(self._parsed[workload], self.record)
        self._hear(
            Outcome(
                key=reading.key,
                status=reading.status,
                reason=reading.reason,
                gate=reading.gate,
                started=ran.record.started,
                ended=ran.record.ended,
                windows=tuple(reading.windows.values()),
                gates=reading.gates,
                files=ran.files,
            )
        )

    def fail(self, workloads: Sequence[Workload], failure: Failure) -> None:
        """Records this failure for every workload that has no outcome yet."""
        self._write()
        for workload in workloads:
            if workload.name in self.outcomes:
                continue
            now = time.time()
            folders = rawtree.cell_folders(
                self.case, self.record.layer, workload, f"{self.record.ts}_{workload.name}"
            )
            record = rawtree.CellRecord(
                workload, self.record.ts, self.file, folders, (), now, now, failure
            )
            path = self._tree(self.record.client) / folders["client"] / rawtree.METADATA
            rawtree.write_json(path, record)
            key = key_of(self.record, workload.name)
            self._hear(Outcome(key, CellStatus.INVALID, failure.reason, failure.gate, now, now))

    # -- after the last cell

    async def end(self) -> None:
        """Stops the tool, checks its host for residue, fetches the remaining files."""
        steps, name = self.site.steps, self.host.node.name
        try:
            await self.host.revive()
            await steps.hooks("case", "post", self.sides)
            if self._tools:
                async with steps.step("tool", "post", f"stop {self.case.name}", name):
                    await tool.stop_all(self._tools)
            if self._before is not None:
                async with steps.step("tool", "post", "check for residue", name):
                    await self._check_residue(self._before)
            if self.case.kind is not CaseKind.BASELINE:
                async with steps.step("tool", "post", "collect", name):
                    await self._collect()
            if await self._fetch_again() and not self.site.keep_on_hosts:
                await self._remove_remote()
            await steps.hooks("tool", "post", self.sides)
        except (RemoteError, HostsBusy) as error:
            steps.note("tool", "post", f"clean-up failed: {error}", name)
        finally:
            self._write()
            for workload, parsed in self._parsed.items():
                reading = judge_cell(parsed, self.record)
                self.site.folder.add_reading(reading, self.record, self._ran[workload].record)

    async def _check_residue(self, before: BpfState) -> None:
        left = await residue_of(self.host, before, self._devices, _CLEAN_WITHIN_S)
        self.record = replace(self.record, left_behind=left)
        if not left:
            self.site.folder.residue_note.unlink(missing_ok=True)

    def raise_if_not_clean(self) -> None:
        """If residue was found, judges the cells again and raises HostNotClean."""
        left = self.record.left_behind
        if left:
            for workload in self._ran:
                self._judge(workload)
            raise HostNotClean(self.record.tool_host, self.case.name, left)

    async def _collect(self) -> None:
        """Fetches the beginning of the tool's outputs."""
        base = remote_tree(self.host)
        files = rawtree.output_files(self.case, self.record.ts)
        outputs = [f"{base}/{self.folder}/{name}" for both in files for name in both]
        for path in outputs:
            await self.host.run(("truncate", "-c", "-s", f"<{_KEPT_OUTPUT}", path), check=False)
        listing = await self.host.run(("ls", "-d", *outputs), check=False)
        found = [path.removeprefix(f"{base}/") for path in listing.stdout.split()]
        if found:
            await self.host.collect(base, found, self._tree(self.host.node.name))

    async def _fetch_again(self) -> bool:
        """Retries the fetch of cells that were measured but not fetched. True if none is left."""
        for workload, ran in self._ran.items():
            if not ran.fetched:
                for shell in self.sides.values():
                    await shell.revive()
                fetched = await cells.fetch(self.site, self.record, ran)
                if fetched.fetched:
                    self._take(workload, fetched)
        return all(ran.fetched for ran in self._ran.values())

    async def _remove_remote(self) -> None:
        """Removes the case's folder from the hosts, with the files of runs that died."""
        for shell in {shell.node.name: shell for shell in self.sides.values()}.values():
            path = f"{remote_tree(shell)}/{self.folder}"
            await shell.run(("rm", "-rf", "--", path), check=False)

    # -- small helpers

    def _tree(self, node: str) -> Path:
        return self.site.tree(self.record.iteration, node)

    def _hear(self, outcome: Outcome) -> None:
        self.outcomes[outcome.key.workload] = outcome
        self._listener(outcome)

    def _write(self) -> None:
        rawtree.write_json(self._tree(self.record.client) / self.file, self.record)
