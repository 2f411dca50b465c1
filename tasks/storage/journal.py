"""JSON lines that are appended to and synced at once: what a run that was killed resumes from.

A line that was torn by a kill or a full disk is dropped, and the next one begins on a line of its
own.
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
    """One dataclass as one line, on the disk when this returns."""
    line = json.dumps(asdict(record), ensure_ascii=False).encode() + b"\n"
    with path.open("a+b") as out:
        if out.seek(0, os.SEEK_END):
            out.seek(-1, os.SEEK_END)
            line = line if out.read(1) == b"\n" else b"\n" + line
        out.write(line)
        out.flush()
        os.fsync(out.fileno())


def read(path: Path, adapter: TypeAdapter[_T]) -> Iterator[_T]:
    """The records of all whole lines, in their order; none where there is no file yet."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n"):
        try:
            yield adapter.validate_json(line)
        except ValidationError:  # torn
            continue
