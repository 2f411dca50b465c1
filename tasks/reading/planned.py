"""Cells that are not in the raw tree because they were never measured, with the reason."""

from collections.abc import Collection, Iterator

from ..model.bilingual import Bilingual
from ..model.outcome import UNATTACHABLE, CellKey, CellPlace, CellStatus, Outcome
from ..model.plan import Case
from ..storage.run_folder import RunFolder

_NEVER_STARTED = Bilingual("the campaign ended before this cell", "测试在该测量单元之前结束")


def never_measured(
    folder: RunFolder, measured: Collection[CellPlace]
) -> Iterator[tuple[Case, Outcome]]:
    """One environment's planned cells that are not in `measured`, as skipped; then a cell for each
    workload of the cases that were not planned because their tool cannot attach.

    The reason is that in the journal, if there is one. Raises InputError for an unreadable plan.
    """
    if not folder.has_plan:
        return
    yield from _unattachable(folder)
    plan, outcomes, known = folder.plan(), folder.outcomes(), folder.environment
    for slot in plan.slots:
        case = plan.case(slot.case_id, slot.layer)
        for workload in plan.workloads_in(slot):
            key = CellKey(
                known.environment, known.run, slot.layer, slot.iteration, slot.position, case.name,
                workload.name, slot.attempt,
            )  # fmt: skip
            if key.place not in measured:
                outcome = outcomes.get(key.place)
                if outcome is not None and outcome.reason:
                    reason = Bilingual(outcome.reason, outcome.reason_zh)
                else:
                    reason = _NEVER_STARTED
                skipped = Outcome(key, CellStatus.SKIPPED, reason.en, reason_zh=reason.zh)
                yield case, skipped


def _unattachable(folder: RunFolder) -> Iterator[tuple[Case, Outcome]]:
    """Cells of cases without a slot: in the first iteration, behind its last position."""
    plan, known = folder.plan(), folder.environment
    lacking = [case for case in plan.cases if case.cannot_attach]
    behind = max((slot.position for slot in plan.slots), default=-1) + 1
    for position, case in enumerate(lacking, start=behind):
        for workload in plan.workloads_of(case):
            key = CellKey(
                known.environment, known.run, case.layer, 1, position, case.name, workload.name
            )
            why = f"{case.name}: {case.skipped}"
            yield case, Outcome(key, CellStatus.SKIPPED, why, UNATTACHABLE)
