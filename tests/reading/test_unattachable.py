"""Cases that were not planned because their tool cannot attach have cells, with the reason."""

from dataclasses import replace
from types import SimpleNamespace

from tasks.model.environment import Layer
from tasks.model.outcome import UNATTACHABLE, CellStatus
from tasks.model.plan import Case, CaseKind, Design, Plan, Slot, Workload
from tasks.reading.planned import never_measured

WHY = "Linux 6.12 has no function tcp_sendpage to trace; it has none of a similar name"
MEASURED = Case(1, "a", CaseKind.TOOL, Layer.HOST, "t", tool="a")
LACKING = replace(MEASURED, id=2, name="b", tool="b", skipped=WHY, cannot_attach=True)
NO_VALUE = replace(MEASURED, id=3, name="c", tool="c", skipped="nothing was found for X")
LOADS = tuple(Workload(name, "latency", "netperf", "tcp") for name in ("one", "two"))


def test_there_is_one_cell_a_workload_with_the_reason():
    plan = Plan(
        "e", Design(1, 2), LOADS, (MEASURED, LACKING, NO_VALUE),
        (Slot(1, 0, Layer.HOST, 1), Slot(2, 0, Layer.HOST, 1)),
    )  # fmt: skip
    folder = SimpleNamespace(
        has_plan=True, plan=lambda: plan, outcomes=lambda: {},
        environment=SimpleNamespace(environment="e", run="r"),
    )  # fmt: skip
    measured = {("host", i, 0, load.name) for i in (1, 2) for load in LOADS}
    found = [outcome for _, outcome in never_measured(folder, measured)]
    assert [(o.key.case, o.key.workload, o.key.position) for o in found] == [
        ("b", "one", 1), ("b", "two", 1)
    ]  # fmt: skip
    assert {(o.status, o.gate, o.reason) for o in found} == {
        (CellStatus.SKIPPED, UNATTACHABLE, f"b: {WHY}")
    }
