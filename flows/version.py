"""Which version of the program runs: shown by `--version`, and stored with each deployment."""

import subprocess
from importlib.metadata import version

from tasks.model.names import ROOT


def commit() -> str | None:
    """The clone's commit, `-dirty` if it was changed; None for an installed program."""
    if not (ROOT / ".git").exists():
        return None
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(git, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def program_version() -> str:
    """The commit of a clone, or the version of the installed package."""
    return commit() or version("ebpf-overhead")
