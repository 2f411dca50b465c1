"""How a number is written: a minus sign, digits that mean something, an em dash if missing."""

import math

DASH = "—"
"""A missing number. Never 0."""


def number(value: float | None, digits: int | None = None, *, signed: bool = False) -> str:
    """`value` with `digits` decimals, U+2212 for minus.

    None: about three significant digits; of small numbers one, because 0.001 is not 0.
    """
    if value is None or not math.isfinite(value):
        return DASH
    size = abs(value)
    if digits is None:
        digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2
        if 0 < size < 0.005:
            digits = min(-math.floor(math.log10(size)), 6)
    text = f"{size:,.{digits}f}"
    if not text.strip("0.,"):
        return text
    return ("−" if value < 0 else "+" if signed else "") + text


def percent(value: float | None) -> str:
    """A change in percent with its sign: `−36.1 %`."""
    text = number(value, 0 if value is not None and abs(value) >= 99.95 else 1, signed=True)
    return text if text == DASH else f"{text} %"


def interval(low: float | None, high: float | None, *, signed: bool = True) -> str:
    """`[−38.0, −34.2]`; empty where either end is unknown."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    digits = 0 if max(abs(low), abs(high)) >= 99.95 else 1
    if not signed and max(abs(low), abs(high)) < 9.995:
        digits = 2
    return f"[{number(low, digits, signed=signed)}, {number(high, digits, signed=signed)}]"


_PREFIXES = {1e9: "G", 1e6: "M", 1e3: "k"}


def quantity(value: float | None, unit: str) -> str:
    """A level in its unit, large ones with a prefix: `8.20 Gbit/s`, `68.0 µs`, `693 k/s`."""
    if value is None or not math.isfinite(value):
        return DASH
    if unit == "us":
        return f"{number(value)} µs"
    size, prefix = next((item for item in _PREFIXES.items() if abs(value) >= item[0]), (1, ""))
    return f"{number(value / size)} {prefix}{unit.removeprefix('1')}".rstrip()


def duration(seconds: float | None) -> str:
    """A length of time in the unit that suits it: `45 s`, `4.2 min`, `9.0 h`."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    size, unit = next((i for i in ((3600, "h"), (60, "min")) if seconds >= i[0]), (1, "s"))
    return f"{number(seconds / size, 0 if size == 1 else 1)} {unit}"


def memory(mib: float | None) -> str:
    """`256 MiB`, `3.9 GiB`, `501 GiB`."""
    if mib is None or not math.isfinite(mib):
        return DASH
    if mib < 1024:
        return f"{number(mib, 0)} MiB"
    return f"{number(mib / 1024, 1 if mib < 10 * 1024 else 0)} GiB"
