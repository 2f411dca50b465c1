"""Types of the fields that people fill in, in files and in the forms of the UI."""

from typing import Annotated

from pydantic import StringConstraints

IDENTIFIER_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$"
IDENTIFIER_FORM = "a name of letters, digits, '.', '_' and '-', at most 64 long"
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]

Address = Annotated[str, StringConstraints(pattern=r"^[^@]*$")]
"""A folder or an object store's URL. It holds no credentials, because run parameters are stored and
shown; the store's library reads them from the environment."""
