"""The commands that a README tells a stranger to type first."""

import re
import shlex
from pathlib import Path

from tasks.model.names import ROOT

README, README_ZH = ROOT / "README.md", ROOT / "README.zh.md"


def first_commands(readme: Path = README) -> list[str]:
    """The lines of its first block of shell commands, without their comments."""
    block = re.search(r"^```sh\n(.*?)^```$", readme.read_text(encoding="utf-8"), re.M | re.S)
    assert block, f"{readme} has no block of commands"
    words = [shlex.split(line, comments=True) for line in block[1].splitlines()]
    return [" ".join(line) for line in words if line]


def packages_beforehand(readme: Path = README) -> list[str]:
    """The packages that its first commands install by hand."""
    installed = [line.partition("apt install ")[2] for line in first_commands(readme)]
    return [package for line in installed for package in line.split()]
