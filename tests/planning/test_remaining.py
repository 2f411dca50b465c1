"""A run that is resumed after a pause."""

from dataclasses import replace

from tasks.model.environment import Layer
from tasks.model.outcome import CellKey, CellStatus, Outcome
from tasks.model.plan import Case, CaseKind, Design, Plan, Slot, Workload
from tasks.planning.remaining import MEASURED_AGAIN, TRANSPORT, resumed, slots_left
from tasks.quality.gates import GATES

LOAD = Workload("latency_tcp_rr", "latency", "netperf", "tcp", window_s=1, warmup_s=0)
CASES = (
    Case(0, "baseline", CaseKind.BASELINE, Layer.HOST),
    Case(1, "x", CaseKind.PLACEBO, Layer.HOST),
    Case(2, "y", CaseKind.PLACEBO, Layer.HOST),
)
PLAN = Plan(
    "e", Design(seed=1, iterations=1), (LOAD,), CASES,
    tuple(Slot(1, place, Layer.HOST, id) for place, id in enumerate((0, 1, 2, 0))),
)  # fmt: skip


def resumed_after(measured: int, pause_s: float) -> Plan:
    """The plan of a run of which `measured` slots ended so long ago."""
    outcomes = {}
    for slot in PLAN.slots[:measured]:
        name = PLAN.case(slot.case_id, slot.layer).name
        key = CellKey("e", "r", slot.layer, 1, slot.position, name, LOAD.name)
        outcomes[key.place] = Outcome(key, CellStatus.PASSED, "", "", 1000.0, 1000.0)
    return resumed(PLAN, outcomes, 1000.0 + pause_s)


def test_after_a_long_pause_what_is_left_begins_with_a_baseline_of_its_own() -> None:
    assert [s.case_id for s in resumed_after(2, 3600).slots] == [0, 1, 0, 2, 0]


def test_nothing_changes_after_a_short_pause_or_before_a_baseline() -> None:
    assert resumed_after(measured=2, pause_s=60) is PLAN
    for measured in (0, 3, 4):
        assert resumed_after(measured, pause_s=3600) is PLAN


def test_a_slot_with_fewer_workloads_is_done_when_these_are():
    loads = (LOAD, replace(LOAD, name="other"))
    few = replace(PLAN.slots[1], workloads=("other",))
    plan = replace(PLAN, workloads=loads, slots=(PLAN.slots[0], few))
    key = CellKey("e", "r", few.layer, 1, few.position, "x", "other")
    done = {key.place: Outcome(key, CellStatus.PASSED, "", "", 0.0, 0.0)}
    assert slots_left(plan, {}) == list(plan.slots)
    assert slots_left(plan, done) == [PLAN.slots[0]]


def test_what_is_measured_again_is_named_by_gates_that_exist() -> None:
    assert MEASURED_AGAIN - {TRANSPORT} <= GATES.keys()
