"""Cells that the plan has and the tree has not: never measured, each with the reason."""

from collections.abc import Collection, Iterator
from pathlib import Path

from ..model.environment import Layer
from ..model.outcome import CellKey, CellStatus, Outcome
from ..model.plan import Case
from ..planning import workflow
from ..storage import journal, rawtree

_NEVER_CAME = "the campaign ended before it"


def never_measured(
    folder: Path, environment: str, run: str, measured: Collection[journal.CellPlace]
) -> Iterator[tuple[Case, Outcome]]:
    """One environment's planned cells that are not among those `measured`, as skipped.

    The reason is the journal's where it has one. Raises InputError for a plan that cannot be read.
    """
    file = folder / rawtree.WORKFLOW
    if not file.exists():  # a tree that was brought here without its plan
        return
    plan, told = workflow.read(file), journal.read(folder / journal.OUTCOMES)
    for slot in plan.slots:
        case = plan.case(slot.case_id, slot.layer)
        for workload in plan.workloads_of(case):
            key = CellKey(
                environment, run, Layer(slot.layer), slot.iteration, slot.position, case.name,
                workload.name, slot.attempt,
            )  # fmt: skip
            never = Outcome(key, CellStatus.SKIPPED, _NEVER_CAME)
            place = journal.place_of(never)
            if place not in measured:
                reason = told[place].reason if place in told else _NEVER_CAME
                yield case, Outcome(key, CellStatus.SKIPPED, reason or _NEVER_CAME)
