"""Identifiers and places: what a name may look like, and where the house's own files lie."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
DATASETS = ROOT / "datasets"
MARGINS_FILE = CONFIG / "margins.yaml"

RunKey = tuple[str, str]
"""(environment, run): one environment of one run, the unit that the datasets store and replace."""

ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")]

Address = Annotated[str, StringConstraints(pattern=r"^[^@]*$")]
"""A folder or an object store's URL, never with credentials in it: parameters of runs are stored
and shown. They come from the environment, as the store's own library reads them."""

_NOT_ID = re.compile(r"[^A-Za-z0-9._-]+")


def as_id(text: str) -> str:
    """`text` with every run of other characters made one underscore, at most 64 long."""
    return _NOT_ID.sub("_", text).strip("_.-")[:64] or "_"
