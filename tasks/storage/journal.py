"""JSON lines, each synced to disk as it is appended, from which a run that was killed is resumed.

A line that a kill or a full disk left incomplete is dropped, and the next record starts a new line.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

_T = TypeVar("_T")


def append(path: Path, record: Any) -> None:
    """Appends a dataclass as one line, which is on disk when this returns."""
    line = json.dumps(asdict(record), ensure_ascii=False).encode() + b"\n"
    with path.open("a+b") as out:
        if out.seek(0, os.SEEK_END):
            out.seek(-1, os.SEEK_END)
            line = line if out.read(1) == b"\n" else b"\n" + line
        out.write(line)
        out.flush()
        os.fsync(out.fileno())


def cut_lines(path: Path) -> list[int]:
    """Numbers, from 1, of the lines that are no complete record; empty lines are none."""
    lines = path.read_bytes().split(b"\n")
    return [number for number, line in enumerate(lines, 1) if line and not _is_complete(line)]


def _is_complete(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def read(path: Path, adapter: TypeAdapter[_T]) -> Iterator[_T]:
    """The records of all complete lines, in order; none if there is no file yet."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n"):
        try:
            yield adapter.validate_json(line)
        except ValidationError:  # incomplete
            continue
