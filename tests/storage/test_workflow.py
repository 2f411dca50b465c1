"""workflow.json: read back as it was written, refused with what is wrong."""

from dataclasses import replace

import pytest

from tasks.model.environment import Layer
from tasks.model.errors import InputError
from tasks.model.plan import Case, CaseKind, Design, Plan, Slot, Workload
from tasks.storage import workflow

MADE = Plan(
    "e",
    Design(seed=1, iterations=1),
    (Workload("latency_tcp_rr", "latency", "netperf", "tcp"),),
    (Case(0, "baseline", CaseKind.BASELINE, Layer.HOST),
     Case(1, "x", CaseKind.TOOL, Layer.HOST, parameters={"protocol": "tcp"}, skipped="why")),
    (Slot(1, 0, Layer.HOST, 0), Slot(1, 1, Layer.HOST, 1)),
)  # fmt: skip


def test_a_workflow_reads_back_as_it_was_written():
    assert workflow.load(workflow.dump(MADE), "workflow.json") == MADE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[]", "not a workflow"),
        ('{"format": 99}', "not a workflow"),
        ('{"format": 1, "environment": "x"}', "design"),
    ],
)
def test_what_is_no_workflow_is_refused_with_what_is_wrong(text, told):
    with pytest.raises(InputError, match=told):
        workflow.load(text, "workflow.json")


def test_a_workflow_with_a_slot_of_no_case_is_refused():
    broken = replace(MADE, slots=(replace(MADE.slots[0], case_id=77),))
    with pytest.raises(InputError, match="no case 77"):
        workflow.load(workflow.dump(broken), "workflow.json")
