"""Reads minimal-input.yaml."""

from pathlib import Path

from ..model.documents import read_document
from ..model.inputs import MinimalInput, cross_checks


def read_minimal_input(path: Path) -> MinimalInput:
    """The file, checked. Raises InputErrors with every mistake: file, line, key, what was expected.

    Relative paths in it are taken from the file's own folder.
    """
    return read_document(path, MinimalInput, cross_checks)
