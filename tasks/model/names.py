"""The form of names, and where the project's own files are."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""What comes with the program: config/, datasets/reference/, deployments/. It may be read-only."""

ENVIRONMENTS = Path("config/environments")
"""Below the project folder, the one in which a command runs. Everything is written below it."""


CATALOGS = Path("config/catalogs")
"""Catalogues that `--catalog` names, one file each; below the project folder and in the program."""


def config_file(name: str) -> Path:
    """The project folder's own `config/NAME` if there is one, else the one of the program."""
    own = Path("config", name)
    return own if own.is_file() else ROOT / own


RunKey = tuple[str, str]
"""(environment, run): one environment of one run, the unit that the datasets store and replace."""

ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
_NOT_ID = re.compile(r"[^A-Za-z0-9._-]+")


def as_id(text: str) -> str:
    """`text` as a name: each run of other characters becomes one underscore, at most 64 long."""
    return _NOT_ID.sub("_", text).strip("_.-")[:64] or "_"
