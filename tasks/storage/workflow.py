"""workflow.json: a plan as a file that people can read, change and run.

Format, newest first:
2 — 2026-11-25: slots have `workloads` (null: all of their case's), the plan has `clock` (left out:
    wall). Format 1 is still read.
1 — 2026-11-22: first.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..model.documents import Mistake, document_lines, input_errors, located, read_text
from ..model.errors import InputError, raise_all
from ..model.plan import Plan
from .rawtree import write_text

FILE = "workflow.json"
FORMAT = 2
READ = (1, 2)
_PLAN = TypeAdapter(Plan)


def dump(plan: Plan) -> str:
    """The plan as JSON text."""
    return json.dumps({"format": FORMAT, **asdict(plan)}, indent=1, ensure_ascii=False)


def load(text: str, where: str) -> Plan:
    """The plan of a workflow.json. Raises InputErrors with every mistake and its line."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(where, "", f"is not JSON: {error}", "a file that plan wrote") from error
    if not isinstance(document, dict) or document.pop("format", None) not in READ:
        raise InputError(where, "format", "is not a workflow of this program", f"format {FORMAT}")
    try:
        plan = _PLAN.validate_python(document)
    except ValidationError as error:
        raise_all(input_errors(where, Plan, error, document_lines(text)))
        raise
    if mistakes := list(_slot_mistakes(plan)):
        lines = document_lines(text)
        raise_all([located(where, lines, mistake) for mistake in mistakes])
    return plan


def _slot_mistakes(plan: Plan) -> Iterator[Mistake]:
    """Slots whose case or workload the plan does not have."""
    cases = {(case.id, case.layer) for case in plan.cases}
    workloads = {workload.name for workload in plan.workloads}
    for i, slot in enumerate(plan.slots):
        if (slot.case_id, slot.layer) not in cases:
            yield Mistake(("slots", i), f"layer {slot.layer} has no case {slot.case_id}")
        for name in sorted(set(slot.workloads or ()) - workloads):
            yield Mistake(("slots", i), f"the plan has no workload {name}")


def read(path: Path) -> Plan:
    """`load` of a file."""
    return load(read_text(path), str(path))


def write(path: Path, plan: Plan) -> None:
    """Writes the plan, completely or not at all, as a file for `--workflow`."""
    write_text(path, dump(plan))
