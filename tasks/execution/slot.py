"""The life of one case in its place: the tool attached once, all its workloads, the tool stopped.

hooks → host's state → start, seen attached → attribution → cells → stop → clean again?
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..model.errors import HostsBusy, RemoteError
from ..model.outcome import CellStatus, Outcome
from ..model.plan import Case, CaseKind, Slot, Workload
from ..programs.bpftool import BpfState
from ..reading.cell import key_of, read_cell
from ..storage import rawtree
from . import attribution, load, residue, tool
from . import cell_run as cells
from .bpf import left_behind, state_of
from .fingerprint import epoch_of, look_at
from .shell import Shell
from .site import Site, remote_tree

Tell = Callable[[Outcome], None]

_CLEAN_WITHIN_S = 10.0  # BPF objects go a moment after their holder
_KEEP_OUTPUT = 2**20  # of a tool's output so much is brought home; its size was measured


async def run_slot(
    site: Site, slot: Slot, workloads: Sequence[Workload], attempt: int, tell: Tell
) -> list[Outcome]:
    """Runs these workloads of the slot's case. Each outcome is told as soon as it is known.

    Raises HostNotClean after telling, when the tool left something behind. A lost host is in the
    outcomes (`failed`, reason transport), not raised.
    """
    case = site.plan.case(slot.case_id, slot.layer)
    life = _Life(site, slot, case, attempt, tell)
    try:
        await life.begin()
        for workload in workloads:
            if life.tool_has_ended:  # what is left has no tool to be measured with
                life.none_ran(workloads, CellStatus.INVALID, "tool_alive", "it ended before")
            else:
                await life.cell(workload)
    except tool.ToolFailed as error:
        life.none_ran(workloads, CellStatus.INVALID, error.gate, str(error))
    except RemoteError as error:
        life.none_ran(workloads, CellStatus.FAILED, "", f"transport: {error}")
    finally:
        await life.end()
    life.raise_if_not_clean()
    return list(life.outcomes.values())


class _Life:
    """One slot while it runs. `record` grows; `outcomes` holds the last word on each workload."""

    def __init__(self, site: Site, slot: Slot, case: Case, attempt: int, tell: Tell) -> None:
        pair = site.pair(slot.layer)
        self.site, self.case, self.attempt, self._tell = site, case, attempt, tell
        self.sides = site.sides(slot.layer)
        self.host: Shell = self.sides["tool_host"]
        self.outcomes: dict[str, Outcome] = {}
        self._ran: dict[str, cells.RanCell] = {}
        self._tool: tool.StartedTool | None = None
        self._before: BpfState | None = None
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
            monitor_interval_s=site.plan.design.monitor_interval_s,
            epoch="",
            load_before=site.load_before,
            max_load=site.max_load,
        )
        self.folder = rawtree.slot_folder(case, slot.layer)
        self.file = f"{self.folder}/metadata_{slot.position:03d}_{self.record.ts}.json"

    @property
    def tool_has_ended(self) -> bool:
        return self._tool is not None and not self._tool.program.running

    async def begin(self) -> None:
        """Everything before the first cell. Raises ToolFailed, RemoteError."""
        steps, level = self.site.steps, "tool"
        await steps.hooks(level, "init", self.sides)
        async with steps.step(level, "init", "look at the hosts"):
            await self._look()
        if self.case.kind is not CaseKind.BASELINE:
            path = f"{remote_tree(self.host)}/{self.folder}"
            async with steps.step(level, "init", "state before", self.host.node.name):
                self._before = await state_of(self.host, self._devices())
                await self._note()
                await self.host.run(("mkdir", "-p", path))
            async with steps.step(level, "init", f"start {self.case.name}", self.host.node.name):
                await self._start(path)
            async with steps.step(level, "init", "attribution", self.host.node.name):
                await self._attribute()
            await self._forget_warnings()
        self._write()
        await steps.hooks("case", "init", self.sides)

    async def _look(self) -> None:
        """Before anything of the case: what its cells are held against."""
        pair = self.site.pair(self.record.layer)
        looks = await look_at(self.sides.values(), self.site.environment, pair, {})
        epoch = epoch_of(self.site.epoch, looks)
        first = rawtree.first_baseline(self._tree(self.record.client), self.record.layer)
        self.record = replace(
            self.record, looks=looks, epoch=epoch, baseline_epoch=epoch if first is None else
            first.epoch,
        )  # fmt: skip

    async def _forget_warnings(self) -> None:
        """What the kernel said while the tool attached disturbs no window: count from here on."""
        now = await look_at(
            self.sides.values(), self.site.environment, self.site.pair(self.record.layer), {}
        )
        looks = {
            name: replace(look, log_stamp=now[name].log_stamp)
            for name, look in self.record.looks.items()
        }
        self.record = replace(self.record, looks=looks)

    async def _note(self) -> None:
        """From here on until the host was seen clean, whoever goes on with the run looks first."""
        if self._before is None:
            return
        name, booted = self.host.node.name, await residue.boot_id(self.host)
        known = residue.Note(name, self.case.name, booted, self._devices(), self._before)
        residue.note(self.site.folder, known)

    async def _start(self, path: str) -> None:
        output, errors = (f"{path}/{name}_{self.record.ts}.log" for name in _OUTPUTS)
        started = self._tool = await tool.start(self.host, self.case, output, errors)
        now = await state_of(self.host, ())
        held = set(started.programs)
        before = {p.id for p in (self._before.programs if self._before else None) or ()}
        after = held | {p.id for p in (now.programs if now else None) or ()}
        self.record = replace(
            self.record,
            tool=rawtree.ToolRecord(
                pid=started.program.pid,
                start_ticks=started.start_ticks,
                pids=started.pids,
                ready_s=round(started.ready_s, 3),
                sha256=await self._checksum(),
                programs=tuple(sorted(started.programs)),
            ),
            programs_before=tuple(sorted(before)),
            programs_after=tuple(sorted(after)),
        )

    async def _checksum(self) -> str:
        script = next((w for w in self.case.command.split() if w.endswith(self.case.script)), "")
        if not script:
            return ""
        path = script if script.startswith("/") else f"{self.host.node.workdir}/{script}"
        answer = await self.host.run(("sha256sum", "--", path), check=False)
        return answer.stdout.partition(" ")[0]

    async def _attribute(self) -> None:
        design = self.site.plan.design
        if self._tool is None or design.attribution_s <= 0:
            return
        folders = {
            side: f"{remote_tree(self.sides[side])}/{self.folder}/attribution"
            for side in ("server", "client")
        }
        await asyncio.gather(
            *(self.sides[side].run(("mkdir", "-p", path)) for side, path in folders.items())
        )
        pair, ports = self.site.pair(self.record.layer), self.site.ports.take(1)
        paced = attribution.paced(design, self.site.plan.workloads[0].affinity)
        workload = load.pinned(paced, self.site.environment, pair)
        counted = await attribution.measure(self.sides, pair, workload, self._tool, ports, folders)
        self.record = replace(self.record, attribution=counted)

    async def cell(self, workload: Workload) -> None:
        name = f"{self.case.name} · {workload.name}"
        async with self.site.steps.step("test", "init", name, self.record.server):
            ran = await cells.run(self.site, self.record, self.file, workload, self._tool)
        self._ran[workload.name] = ran
        self._judge(workload.name, ran)

    def _judge(self, workload: str, ran: cells.RanCell) -> None:
        reading = read_cell(self._tree, self.record, ran.record)
        self._say(
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

    def raise_if_not_clean(self) -> None:
        """Judges the cells again with what the tool left behind, and raises HostNotClean."""
        left = self.record.left_behind
        if not left:
            return
        for workload, ran in self._ran.items():
            self._judge(workload, ran)
        raise residue.HostNotClean(self.record.tool_host, self.case.name, left)

    def none_ran(
        self, workloads: Sequence[Workload], status: CellStatus, gate: str, reason: str
    ) -> None:
        """The last word on every workload that has none yet."""
        self._write()
        for workload in workloads:
            if workload.name in self.outcomes:
                continue
            now = time.time()
            folders = rawtree.cell_folders(
                self.case, self.record.layer, workload, f"{self.record.ts}_none"
            )
            failure = f"{gate}: {reason}" if gate else reason
            record = rawtree.CellRecord(
                workload, self.record.ts, self.file, folders, (), now, now, failure
            )
            path = self._tree(self.record.client) / folders["client"] / rawtree.METADATA
            rawtree.write_json(path, record)
            key = key_of(self.record, workload.name)
            self._say(Outcome(key, status, reason, gate, now, now))

    async def end(self) -> None:
        """Stops the tool, looks whether its host is as before, brings the rest home."""
        steps, name = self.site.steps, self.host.node.name
        try:
            await self.host.revive()
            await steps.hooks("case", "post", self.sides)
            if self._tool is not None:
                async with steps.step("tool", "post", f"stop {self.case.name}", name):
                    await tool.stop(self._tool.program)
            if self._before is not None:
                async with steps.step("tool", "post", "clean again", name):
                    left = await left_behind(
                        self.host, self._before, self._devices(), _CLEAN_WITHIN_S
                    )
                self.record = replace(self.record, left_behind=left)
                if not left:
                    residue.forget(self.site.folder)
            if self.case.kind is not CaseKind.BASELINE:
                async with steps.step("tool", "post", "collect", name):
                    await self._collect()
            fetched = await self._fetch_the_rest()
            if fetched and not self.site.keep_on_hosts:
                await self._remove_there()
            await steps.hooks("tool", "post", self.sides)
        except (RemoteError, HostsBusy) as error:
            async with steps.step("tool", "post", f"given up: {error}", name):
                pass
        finally:
            self._write()

    async def _fetch_the_rest(self) -> bool:
        """Cells that were measured and could not be brought home, once more; whether all are."""
        for workload, ran in self._ran.items():
            if not ran.fetched:
                for shell in self.sides.values():
                    await shell.revive()
                self._ran[workload] = again = await cells.fetch(self.site, self.record, ran)
                if again.fetched:
                    self._judge(workload, again)
        return all(ran.fetched for ran in self._ran.values())

    async def _collect(self) -> None:
        base = remote_tree(self.host)
        outputs = [f"{base}/{self.folder}/{name}_{self.record.ts}.log" for name in _OUTPUTS]
        for path in outputs:
            await self.host.run(("truncate", "-c", "-s", f"<{_KEEP_OUTPUT}", path), check=False)
        there = await self.host.run(("ls", "-d", *outputs), check=False)
        found = [path.removeprefix(f"{base}/") for path in there.stdout.split()]
        if found:
            await self.host.collect(base, found, self._tree(self.host.node.name))

    async def _remove_there(self) -> None:
        """All of the case on the hosts, also what a run that died left of it."""
        for shell in {shell.node.name: shell for shell in self.sides.values()}.values():
            path = f"{remote_tree(shell)}/{self.folder}"
            await shell.run(("rm", "-rf", "--", path), check=False)

    def _devices(self) -> tuple[str, ...]:
        pair = self.site.pair(self.record.layer)
        return (pair.server_interface,) if pair.tool_host == pair.server else ()

    def _tree(self, node: str) -> Path:
        return self.site.tree(self.record.iteration, node)

    def _say(self, outcome: Outcome) -> None:
        self.outcomes[outcome.key.workload] = outcome
        self._tell(outcome)

    def _write(self) -> None:
        rawtree.write_json(self._tree(self.record.client) / self.file, self.record)


_OUTPUTS = ("ebpf_output", "ebpf_stderr")
