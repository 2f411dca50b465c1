"""`==> name <==` sections of a script's output, as head prints them for several files.

Text that is not the script's own (kernel messages, command lines) could hold a line like a header.
A script begins with QUOTE and pipes such text through `quote`: then no line of it is a header.
"""

import re

Sections = dict[str, str]
"""Texts by their section's name."""

QUOTE = "quote() { sed 's/^/ /'; }\n"
"""Defines the shell function `quote`: indents every line by the blank that `sections` removes."""

_HEADER = re.compile(r"==> (.+) <==")


def sections(text: str) -> Sections:
    """Each section's text by its name, without the blank lines around it."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.split("\n"):  # splitlines() would also split at form feeds within a line
        if match := _HEADER.fullmatch(line):
            lines = found.setdefault(match[1], [])
        else:
            lines.append(line.removeprefix(" "))
    return {name: "\n".join(lines).strip() for name, lines in found.items()}
