"""The log-size monitor, ours and the published one: a line with the size of the tool's output every
few seconds."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ..model.errors import ParseError

_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)?\s+(\d+)(?:\s+\S+)?")


@dataclass(frozen=True, slots=True)
class LogSize:
    """Size of the tool's output at one moment."""

    local_s: float  # the host's local time as seconds since 1970, as if it were UTC
    size_bytes: int


def local_seconds(stamp: str, source: str) -> float:
    """`2026-11-22 13:04:19`, with any fraction, as seconds since 1970, as if it were UTC."""
    whole, _, fraction = stamp.strip().partition(".")
    try:
        moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    except ValueError:
        raise ParseError(source, f"no such time: {stamp!r}") from None
    return moment.timestamp() + (float(f"0.{fraction}") if fraction else 0.0)


def parse(text: str, source: str) -> tuple[LogSize, ...]:
    """Every line `2026-11-22 13:04:19.467812503 591 591B`; comments are skipped.

    A last line without its newline is not read. ParseError for any other line.
    """
    sizes = []
    for line in text[: text.rfind("\n") + 1].splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ParseError(source, f"not a size: {line[:80]!r}")
        sizes.append(LogSize(local_seconds(match[1] + (match[2] or ""), source), int(match[3])))
    return tuple(sizes)
