"""`==> name <==` sections, as head prints them for several files and as our probes print them."""

import re

Sections = dict[str, str]
"""Texts by their section's name."""

_HEADER = re.compile(r"^==> (.+) <==$")


def sections(text: str) -> Sections:
    """Each section's text by its name, without the blank lines around it."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if match := _HEADER.match(line):
            lines = found.setdefault(match[1], [])
        else:
            lines.append(line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}
