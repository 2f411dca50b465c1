"""A run that is gone on with after a pause."""

import time
from pathlib import Path

from tasks.model.environment import Layer
from tasks.model.outcome import CellKey, CellStatus, Outcome
from tasks.model.plan import Case, CaseKind, Design, Plan, Slot, Workload
from tasks.planning import workflow
from tasks.run_case import WORKFLOW_FILE, _after_a_pause
from tasks.storage import journal

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


def gone_on_with(folder: Path, measured: int, ago_s: float) -> Plan:
    """The plan of a run of which so many slots were measured so long ago."""
    (folder / WORKFLOW_FILE).write_text(workflow.dump(PLAN))
    for slot in PLAN.slots[:measured]:
        name = PLAN.case(slot.case_id, slot.layer).name
        key = CellKey("e", "r", slot.layer, 1, slot.position, name, LOAD.name)
        at = time.time() - ago_s
        journal.append(folder / journal.OUTCOMES, Outcome(key, CellStatus.PASSED, "", "", at, at))
    return _after_a_pause(folder, workflow.read(folder / WORKFLOW_FILE))


def test_after_a_long_pause_what_is_left_begins_with_a_baseline_of_its_own(tmp_path: Path) -> None:
    opened = gone_on_with(tmp_path, measured=2, ago_s=3600)
    assert [slot.case_id for slot in opened.slots] == [0, 1, 0, 2, 0]
    assert workflow.read(tmp_path / WORKFLOW_FILE).slots == opened.slots


def test_nothing_changes_after_a_short_pause_or_before_a_baseline(tmp_path: Path) -> None:
    assert gone_on_with(tmp_path, measured=2, ago_s=60).slots == PLAN.slots
    for measured in (0, 3, 4):
        folder = tmp_path / str(measured)
        folder.mkdir()
        assert gone_on_with(folder, measured, ago_s=3600).slots == PLAN.slots
