"""What a bpftrace program has told by its end."""

import re
from collections.abc import Callable

Told = Callable[[str], int]
"""How many events an output tells."""

_NUMBER = re.compile(r"(@\w+)(\[.*\])?: (\d+)")
_HISTOGRAM = re.compile(r"(@\w+)(\[.*\])?:\s*")
_BUCKET = re.compile(r"[\[(].*[\])]\s+(\d+) \|.*")


def totals(text: str) -> dict[str, dict[str, int]]:
    """By map and key ("" if it has none): the last number, or the last histogram's events."""
    last: dict[str, dict[str, int]] = {}
    histogram: tuple[str, str] | None = None
    for line in text.splitlines():
        if found := _NUMBER.fullmatch(line):
            last.setdefault(found[1], {})[found[2] or ""] = int(found[3])
        elif found := _HISTOGRAM.fullmatch(line):
            histogram = found[1], found[2] or ""
            last.setdefault(found[1], {})[histogram[1]] = 0
        elif histogram and (found := _BUCKET.fullmatch(line)):
            last[histogram[0]][histogram[1]] += int(found[1])
    return last


def total(text: str, name: str, key: str = "") -> int:
    """The last numbers of a map's keys that contain `key`, added up; 0 for an empty map."""
    return sum(number for found, number in totals(text).get(name, {}).items() if key in found)


def lines(pattern: str) -> Told:
    """The number of lines that hold the pattern."""
    return lambda output: len(re.findall(pattern, output, re.MULTILINE))


def counted(name: str, key: str = "") -> Told:
    """`total` of any output."""
    return lambda output: total(output, name, key)
