"""Strict reading of JSON and numbers: nothing cut, nothing missing, nothing infinite."""

import json
import math
from typing import Any, NoReturn

from ..model.errors import ParseError


def load_json(text: str, source: str) -> Any:
    """`text` as one JSON value. ParseError if it is cut, followed by more, or holds NaN."""

    def refuse(constant: str) -> NoReturn:
        raise ParseError(source, f"{constant} is not a measurement")

    if not text.strip():
        raise ParseError(source, "empty")
    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise ParseError(source, f"not whole JSON: {error.msg} at byte {error.pos}") from error


def field(record: Any, path: str, source: str) -> Any:
    """The value at the dotted `path` in nested objects. ParseError if it is missing."""
    value = record
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            raise ParseError(source, f"key {path} is missing")
        value = value[key]
    return value


def mapping(record: Any, path: str, source: str) -> dict[str, Any]:
    """The object at `path`. ParseError for anything else."""
    value = field(record, path, source)
    if not isinstance(value, dict):
        raise ParseError(source, f"key {path} is not an object")
    return value


def number(record: Any, path: str, source: str) -> float:
    """The number at `path`, no larger than a 64-bit counter. ParseError for anything else: JSON's
    1e999 is infinity, and its integers may have any number of digits."""
    value = field(record, path, source)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) <= _LARGEST:  # also where it is NaN
        raise ParseError(source, f"key {path} is not a finite number: {str(value)[:40]}")
    return float(value)


_LARGEST = 2.0**64


def decimal(text: str, name: str, source: str) -> float:
    """A column's finite, non-negative number. ParseError for anything else."""
    try:
        value = float(text)
    except ValueError:
        raise ParseError(source, f"{name} is not a number: {text!r}") from None
    if not math.isfinite(value) or value < 0:
        raise ParseError(source, f"{name} is out of range: {text}")
    return value
