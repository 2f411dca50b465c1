"""workflow.json: a plan written out, to be read by people, changed by them, and run again.

Format, newest first:
1 — 2026-11-22: first.
"""

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..model.errors import InputError, raise_all
from ..model.plan import Plan
from .rawtree import write_text

FILE = "workflow.json"
FORMAT = 1
_PLAN = TypeAdapter(Plan)


def dump(plan: Plan) -> str:
    """The plan as JSON text."""
    return json.dumps({"format": FORMAT, **asdict(plan)}, indent=1, ensure_ascii=False)


def load(text: str, where: str) -> Plan:
    """The plan of a workflow.json. Raises InputError with every mistake in it."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(where, "", f"not JSON: {error}", "a file written by plan") from error
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise InputError(where, "format", "not a workflow of this program", f"format {FORMAT}")
    try:
        plan = _PLAN.validate_python(document)
    except ValidationError as error:
        raise_all(
            [InputError(where, ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        )
        raise
    known = {(case.id, case.layer) for case in plan.cases}
    raise_all(
        [
            InputError(where, f"slots.{i}", f"no case {slot.case_id} in layer {slot.layer}")
            for i, slot in enumerate(plan.slots)
            if (slot.case_id, slot.layer) not in known
        ]
    )
    return plan


def read(path: Path) -> Plan:
    try:
        return load(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InputError(str(path), "", f"cannot be read: {error.strerror}") from error


def write(path: Path, plan: Plan) -> None:
    """The plan as a file that `--workflow` takes; whole or not at all."""
    write_text(path, dump(plan))
