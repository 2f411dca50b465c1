"""Reading without trust: JSON that is whole and finite, numbers that are numbers."""

import json
import math
from typing import Any, NoReturn

from ..model.errors import ParseError


def load_json(text: str, source: str) -> Any:
    """The one JSON value that `text` is. ParseError if it is cut, goes on, or holds NaN."""

    def refuse(constant: str) -> NoReturn:
        raise ParseError(source, f"{constant} is not a measurement")

    if not text.strip():
        raise ParseError(source, "empty")
    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise ParseError(source, f"not whole JSON: {error.msg} at byte {error.pos}") from error


def field(record: Any, path: str, source: str) -> Any:
    """What lies at the dotted `path` of nested objects. ParseError if it is not there."""
    value = record
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            raise ParseError(source, f"key {path} is missing")
        value = value[key]
    return value


def number(record: Any, path: str, source: str) -> float:
    """The number at `path`, of a size that a counter of 64 bits can have. ParseError for anything
    else (1e999 reads as infinity; an integer may have any number of digits)."""
    value = field(record, path, source)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) <= _LARGEST:  # also where it is NaN
        raise ParseError(source, f"key {path} is not a finite number: {str(value)[:40]}")
    return float(value)


_LARGEST = 2.0**64


def decimal(text: str, name: str, source: str) -> float:
    """The finite, not negative number written in a column. ParseError for anything else."""
    try:
        value = float(text)
    except ValueError:
        raise ParseError(source, f"{name} is not a number: {text!r}") from None
    if not math.isfinite(value) or value < 0:
        raise ParseError(source, f"{name} is out of range: {text}")
    return value
