"""workflow.json: a plan as a file that a person may change."""

import json
from dataclasses import replace

import pytest

from tasks.model.errors import InputError, InputErrors
from tasks.storage import workflow

from ..planning.test_schedule import case, plan


def test_a_workflow_is_read_back_as_written():
    made = plan([case(1), case(2, skipped="why")])
    assert workflow.load(workflow.dump(made), "workflow.json") == made
    few = replace(made, slots=(replace(made.slots[0], workloads=("latency_tcp_rr",)),))
    assert workflow.load(workflow.dump(few), "workflow.json") == few


def test_a_workflow_of_format_1_has_slots_with_all_workloads():
    made = plan([case(1)])
    document = json.loads(workflow.dump(made)) | {"format": 1}
    for slot in document["slots"]:
        del slot["workloads"]
    assert workflow.load(json.dumps(document), "workflow.json") == made


def test_a_workflow_with_a_slot_of_an_unknown_workload_is_refused():
    made = plan([case(1)])
    broken = replace(made, slots=(replace(made.slots[0], workloads=("no_such",)),))
    with pytest.raises(InputError, match=r"slots\[0\]: the plan has no workload no_such$"):
        workflow.load(workflow.dump(broken), "w.json")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a workflow"),
        ('{"format": 99}', "is not a workflow"),
        ('{"format": 1, "environment": "x"}', "design: is missing"),
    ],
)
def test_an_invalid_workflow_is_refused_with_the_reason(text, problem):
    with pytest.raises(InputError, match=problem):
        workflow.load(text, "workflow.json")


def test_a_workflow_with_a_slot_without_a_case_is_refused():
    made = plan([case(1)])
    broken = replace(made, slots=(replace(made.slots[0], case_id=77),))
    with pytest.raises(InputError, match=r"^w\.json:\d+: slots\[0\]: layer host has no case 77$"):
        workflow.load(workflow.dump(broken), "w.json")


def test_every_mistake_made_by_hand_is_reported_with_its_line():
    text = workflow.dump(plan([case(1)]))
    wrong = text.replace('"kind": "baseline"', '"kind": "base"').replace('"seed": 1', '"seed": "x"')
    with pytest.raises(InputErrors) as raised:
        workflow.load(wrong, "w.json")
    lines = wrong.splitlines()
    for error, key in zip(raised.value.errors, ("design.seed", "cases[1].kind"), strict=True):
        assert error.key == key
        assert key.rpartition(".")[2] in lines[int(error.where.rpartition(":")[2]) - 1]
    assert raised.value.errors[0].problem == "is 'x'"
    assert raised.value.errors[1].expected == "'baseline', 'placebo' or 'tool'"


def test_an_unreadable_file_is_reported(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: cannot be read: No such file"):
        workflow.read(tmp_path / "none.json")
