"""Whether trees that were read may enter a dataset; asked of all of them before any is written."""

from collections.abc import Sequence

from ..model.errors import InputError
from ..model.names import RunKey
from ..model.plan import CaseKind
from ..storage.dataset import Dataset
from .records import Reading

_ONE_TREE = (
    "one tree a run: give this one another --run, or remove that run's folders from the dataset"
)


def refuse_wrong(readings: Sequence[Reading], dataset: Dataset) -> None:
    """Raises InputError for a tree without a baseline and for a second tree of one run.

    The same cells under another path are a tree that was moved, not a second one.
    """
    paths: dict[RunKey, str] = {}
    for reading in readings:
        path = reading.runs["raw_path"].item()
        if reading.cells.filter(kind=CaseKind.BASELINE).is_empty():
            raise InputError(path, "", "holds no baseline to hold its cases against",
                             "baseline/<layer>/… in an iteration")  # fmt: skip
        other = paths.get(reading.key) or _other_path(reading, path, dataset)
        if other is not None:
            environment, run = reading.key
            problem = f"run {run} of {environment} is already that of another tree, {other}"
            raise InputError(path, "", problem, _ONE_TREE)
        paths[reading.key] = path


def _other_path(reading: Reading, path: str, dataset: Dataset) -> str | None:
    """The path of another tree from which the dataset has this run; None if there is none."""
    key = [reading.key]
    known = dataset.rows("runs", key)["raw_path"].to_list()
    if known in ([], [path]):
        return None
    tables = {"cells": reading.cells, "samples": reading.samples}
    if all(dataset.rows(name, key).equals(rows) for name, rows in tables.items()):
        return None
    return str(known[0])
