"""The journal of outcomes: a line a cell, appended and synced as soon as it is known.

It is what a resumed run goes on from. The last line of a cell counts; a line torn by a kill or a
full disk is dropped, and what follows begins on a line of its own.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..model.outcome import Outcome

OUTCOMES = "outcomes.jsonl"
STEPS = "steps.jsonl"

_OUTCOME = TypeAdapter(Outcome)

CellPlace = tuple[str, int, int, str]
"""layer, iteration, position, workload: where a cell stands in the plan."""


def place_of(outcome: Outcome) -> CellPlace:
    key = outcome.key
    return (str(key.layer), key.iteration, key.position, key.workload)


def append(path: Path, record: Any) -> None:
    """One dataclass as one line, on the disk when this returns."""
    line = json.dumps(asdict(record), ensure_ascii=False).encode() + b"\n"
    with path.open("a+b") as out:
        if out.seek(0, os.SEEK_END):
            out.seek(-1, os.SEEK_END)
            line = line if out.read(1) == b"\n" else b"\n" + line
        out.write(line)
        out.flush()
        os.fsync(out.fileno())


def read(path: Path) -> dict[CellPlace, Outcome]:
    """The last word on every cell; none where there is no journal yet."""
    found: dict[CellPlace, Outcome] = {}
    if not path.exists():
        return found
    for line in path.read_bytes().split(b"\n"):
        try:
            outcome = _OUTCOME.validate_json(line)
        except ValidationError:  # torn: that cell is measured again
            continue
        found[place_of(outcome)] = outcome
    return found
