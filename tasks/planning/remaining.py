"""What is left of a plan: the cells that have no final outcome yet, and the slots they lie in."""

from collections.abc import Mapping

from ..model.outcome import TRANSPORT, CellPlace, CellStatus, Outcome
from ..model.plan import CaseKind, Plan, Slot, Workload
from .schedule import with_baseline_before

MEASURED_AGAIN = frozenset({TRANSPORT, "complete", "monitored", "tool_alive", "quiet_host"})
"""Gates that may fail by chance: such a cell is measured once more, whatever its numbers are."""

LONG_PAUSE_S = 15 * 60.0


def slots_left(plan: Plan, outcomes: Mapping[CellPlace, Outcome]) -> list[Slot]:
    """Slots of the plan with a cell that has no final outcome."""
    return [slot for slot in plan.slots if workloads_left(plan, slot, outcomes)]


def workloads_left(plan: Plan, slot: Slot, outcomes: Mapping[CellPlace, Outcome]) -> list[Workload]:
    """Workloads of the slot whose cell has no final outcome."""
    workloads = plan.workloads_in(slot)
    return [w for w in workloads if not is_final(slot, outcomes.get(place_of(slot, w)))]


def place_of(slot: Slot, workload: Workload) -> CellPlace:
    return (str(slot.layer), slot.iteration, slot.position, workload.name)


def is_tried(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status is not CellStatus.SKIPPED


def is_final(slot: Slot, outcome: Outcome | None) -> bool:
    """False where the cell was not tried, or failed by chance and was not yet measured again."""
    if outcome is None or not is_tried(outcome):
        return False
    by_chance = outcome.status is CellStatus.INVALID and outcome.gate in MEASURED_AGAIN
    return not (by_chance and outcome.key.attempt == slot.attempt)


def resumed(plan: Plan, outcomes: Mapping[CellPlace, Outcome], now_s: float) -> Plan:
    """The plan as a run resumes it at `now_s` (epoch).

    After a long pause one more baseline comes before what is left: the last one before the pause
    says nothing of the hosts now.
    """
    left = slots_left(plan, outcomes)
    ends = [outcome.ended or 0.0 for outcome in outcomes.values() if is_tried(outcome)]
    if not left or not ends or now_s - max(ends) < LONG_PAUSE_S:
        return plan
    if plan.case(left[0].case_id, left[0].layer).kind is CaseKind.BASELINE:
        return plan
    return with_baseline_before(plan, left[0])
