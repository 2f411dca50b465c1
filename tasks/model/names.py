"""The form of names, and where the project's own files are."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

ROOT = Path(__file__).resolve().parents[2]
"""What comes with the program: config/, datasets/reference/, deployments/. It may be read-only."""

ENVIRONMENTS = Path("config/environments")
"""Below the project folder, the one in which a command runs. Everything is written below it."""


def config_file(name: str) -> Path:
    """The project folder's own `config/NAME` if there is one, else the one of the program."""
    own = Path("config", name)
    return own if own.is_file() else ROOT / own


RunKey = tuple[str, str]
"""(environment, run): one environment of one run, the unit that the datasets store and replace."""

ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
IDENTIFIER_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$"
IDENTIFIER_FORM = "a name of letters, digits, '.', '_' and '-', at most 64 long"
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]

Address = Annotated[str, StringConstraints(pattern=r"^[^@]*$")]
"""A folder or an object store's URL. It holds no credentials, because run parameters are stored and
shown; the store's library reads them from the environment."""

_NOT_ID = re.compile(r"[^A-Za-z0-9._-]+")


def as_id(text: str) -> str:
    """`text` as a name: each run of other characters becomes one underscore, at most 64 long."""
    return _NOT_ID.sub("_", text).strip("_.-")[:64] or "_"
