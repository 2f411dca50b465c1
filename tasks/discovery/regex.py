"""Reading one value out of a program's output."""

import re


def first_group(pattern: str, text: str) -> str | None:
    """The only group of the pattern's first match, where ^ and $ are those of any line."""
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else None
