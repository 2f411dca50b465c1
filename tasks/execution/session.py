"""One environment's campaign while its hosts are held: what is left, what is run again, and when
to stop measuring on a host."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..model.outcome import CellKey, CellStatus, Outcome
from ..model.plan import Plan, Slot, Workload
from ..storage import journal
from . import residue
from .site import Site
from .slot import run_slot

_HOLD_BACK_S = 60.0
AGAIN = frozenset({"transport", "complete", "monitored", "tool_alive", "quiet_host"})
"""Gates that may fail by chance: such a cell is run once more, decided without its numbers."""

Tell = Callable[[Outcome], None]


@dataclass
class Session:
    """Runs slots of the plan; `outcomes` is the last word on every cell so far."""

    site: Site
    reconnect: Callable[[], Awaitable[None]]  # opens again the connections that were lost
    outcomes: dict[journal.CellPlace, Outcome] = field(default_factory=dict)
    listeners: list[Tell] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outcomes.update(journal.read(self._journal))

    @property
    def _journal(self) -> Path:
        return self.site.folder / journal.OUTCOMES

    def replan(self, plan: Plan) -> None:
        """Goes on with another plan of the same environment."""
        self.site = replace(self.site, plan=plan)

    def left(self) -> list[Slot]:
        """Slots of the plan in which a cell has no final outcome yet."""
        return slots_left(self.site.plan, self.outcomes)

    def _missing(self, slot: Slot) -> list[Workload]:
        return _missing(self.site.plan, slot, self.outcomes)

    async def run(self, slot: Slot) -> list[Outcome]:
        """All missing cells of the slot, those that failed by chance once more.

        Raises HostNotClean when a tool's leavings do not go; RemoteError when a host stays away.
        """
        if self.site.plan.design.cooldown_s:
            await asyncio.sleep(self.site.plan.design.cooldown_s)
        missing = self._missing(slot)
        fresh = [w for w in missing if not _tried(self.outcomes.get(_place(slot, w)))]
        if fresh:
            await self._attempt(slot, fresh, slot.attempt)
        again = [w for w in missing if not _final(slot, self.outcomes.get(_place(slot, w)))]
        if again:
            await self.reconnect()
            await self._attempt(slot, again, slot.attempt + 1)
        return [self.outcomes[_place(slot, workload)] for workload in missing]

    async def _attempt(self, slot: Slot, workloads: Sequence[Workload], attempt: int) -> None:
        await self._until_clean()
        try:
            await run_slot(self.site, slot, workloads, attempt, self._record)
        except residue.HostNotClean as error:
            async with self.site.steps.step("global", "post", f"held back: {error}", error.node):
                await self._until_clean()

    async def _until_clean(self) -> None:
        """Until nothing is left of a tool whose host nobody has seen clean since it ran."""
        folder = self.site.folder
        if known := residue.noted(folder):
            shell = self.site.shells[known.node]
            await residue.wait_until_gone(folder, known, shell, _HOLD_BACK_S)

    def skip(self, slots: Sequence[Slot], reason: str) -> None:
        """The last word on cells that will not be measured."""
        plan = self.site.plan
        for slot in slots:
            case = plan.case(slot.case_id, slot.layer)
            for workload in self._missing(slot):
                key = CellKey(
                    plan.environment, self.site.run, slot.layer, slot.iteration, slot.position,
                    case.name, workload.name,
                )  # fmt: skip
                now = time.time()
                self._record(Outcome(key, CellStatus.SKIPPED, reason, "", now, now))

    def _record(self, outcome: Outcome) -> None:
        journal.append(self._journal, outcome)
        self.outcomes[journal.place_of(outcome)] = outcome
        for tell in self.listeners:
            tell(outcome)


def slots_left(plan: Plan, outcomes: Mapping[journal.CellPlace, Outcome]) -> list[Slot]:
    """Slots of the plan in which a cell has no final outcome."""
    return [slot for slot in plan.slots if _missing(plan, slot, outcomes)]


def _missing(
    plan: Plan, slot: Slot, outcomes: Mapping[journal.CellPlace, Outcome]
) -> list[Workload]:
    case = plan.case(slot.case_id, slot.layer)
    return [
        workload
        for workload in plan.workloads_of(case)
        if not _final(slot, outcomes.get(_place(slot, workload)))
    ]


def _place(slot: Slot, workload: Workload) -> journal.CellPlace:
    return (str(slot.layer), slot.iteration, slot.position, workload.name)


def _tried(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status is not CellStatus.SKIPPED


def _final(slot: Slot, outcome: Outcome | None) -> bool:
    if outcome is None or outcome.status is CellStatus.SKIPPED:
        return False
    return not (_by_chance(outcome) and outcome.key.attempt == slot.attempt)


def _by_chance(outcome: Outcome) -> bool:
    if outcome.status is CellStatus.FAILED:
        return outcome.reason.startswith("transport")
    return outcome.status is CellStatus.INVALID and outcome.gate in AGAIN
