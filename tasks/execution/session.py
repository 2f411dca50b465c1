"""A measuring session: one environment's plan while its hosts are reserved. It decides which slots
are left, which cells are measured again, and when measuring on a host stops."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from ..model.bilingual import Bilingual
from ..model.environment import Layer
from ..model.errors import HostNotClean, RemoteError
from ..model.outcome import CellKey, CellPlace, CellStatus, Outcome
from ..model.plan import Plan, Slot, Workload
from ..planning.remaining import is_final, is_tried, place_of, slots_left, workloads_left
from . import capacity, residue
from .site import Site
from .slot import OutcomeListener, run_slot

_RESIDUE_GONE_WITHIN_S = 60.0


@dataclass
class Session:
    """Runs slots of the plan; `outcomes` holds the last outcome of every cell so far."""

    site: Site
    reconnect: Callable[[], Awaitable[None]]  # opens lost connections again
    outcomes: dict[CellPlace, Outcome] = field(default_factory=dict)
    listeners: list[OutcomeListener] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outcomes.update(self.site.folder.outcomes())

    def replan(self, plan: Plan) -> None:
        """Continues with another plan of the same environment."""
        self.site = replace(self.site, plan=plan)

    async def find_capacity(self, layer: Layer) -> float:
        """The packet rate that load workloads of this layer are shares of; it is searched for once
        in a run. Raises RemoteError."""
        site = self.site
        stored = site.folder.capacities
        if layer not in stored:
            length = next(w.length for w in site.plan.workloads if w.load_pct is not None)
            assert length is not None
            async with site.steps.step("global", "init", f"capacity of the {layer} layer", ""):
                stored[layer] = await capacity.find_capacity(site, layer, length)
            site.folder.write_capacities(stored)
        site.capacities[layer] = stored[layer]
        return stored[layer]

    def left(self) -> list[Slot]:
        """Slots of the plan with a cell that has no final outcome yet."""
        return slots_left(self.site.plan, self.outcomes)

    def _workloads_left(self, slot: Slot) -> list[Workload]:
        return workloads_left(self.site.plan, slot, self.outcomes)

    @asynccontextmanager
    async def hooked(self) -> AsyncIterator[None]:
        """The user's hooks of level `global`: before the first slot, and after the last one."""
        await self._global_hooks("init")
        try:
            yield
        finally:
            try:
                await self._global_hooks("post")
            except RemoteError as error:  # the measured cells are kept
                self.site.steps.note("global", "post", f"hooks failed: {error}", error.host)

    async def _global_hooks(self, phase: str) -> None:
        layers = dict.fromkeys(slot.layer for slot in self.site.plan.slots)
        await self.site.steps.hooks("global", phase, *map(self.site.sides, layers))

    async def run(self, slot: Slot) -> list[Outcome]:
        """Measures the remaining cells of the slot, and a second time those that may have failed by
        chance.

        Raises HostNotClean if a tool's residue does not go away; RemoteError if a host stays
        unreachable.
        """
        if self.site.plan.design.cooldown_s:
            await asyncio.sleep(self.site.plan.design.cooldown_s)
        left = self._workloads_left(slot)
        fresh = [w for w in left if not is_tried(self.outcomes.get(place_of(slot, w)))]
        if fresh:
            await self._attempt(slot, fresh, slot.attempt)
        again = [w for w in left if not is_final(slot, self.outcomes.get(place_of(slot, w)))]
        if again:
            await self.reconnect()
            await self._attempt(slot, again, slot.attempt + 1)
        return [self.outcomes[place_of(slot, workload)] for workload in left]

    async def _attempt(self, slot: Slot, workloads: Sequence[Workload], attempt: int) -> None:
        await self._wait_until_clean()
        try:
            await run_slot(self.site, slot, workloads, attempt, self._record)
        except HostNotClean as error:
            async with self.site.steps.step("global", "post", f"not clean: {error}", error.node):
                await self._wait_until_clean()

    async def _wait_until_clean(self) -> None:
        """Waits until there is no residue note."""
        file = self.site.folder.residue_note
        if note := residue.read_note(file):
            shell = self.site.shells[note.node]
            await residue.wait_until_clean(file, note, shell, _RESIDUE_GONE_WITHIN_S)

    def skip(self, slots: Sequence[Slot], reason: Bilingual) -> None:
        """Records the remaining cells of these slots as skipped."""
        plan = self.site.plan
        for slot in slots:
            case = plan.case(slot.case_id, slot.layer)
            for workload in self._workloads_left(slot):
                key = CellKey(
                    plan.environment, self.site.run, slot.layer, slot.iteration, slot.position,
                    case.name, workload.name,
                )  # fmt: skip
                now = time.time()
                self._record(
                    Outcome(key, CellStatus.SKIPPED, reason.en, "", now, now, reason_zh=reason.zh)
                )

    def _record(self, outcome: Outcome) -> None:
        self.site.folder.add_outcome(outcome)
        self.outcomes[outcome.key.place] = outcome
        for listener in self.listeners:
            listener(outcome)
