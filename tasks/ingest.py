"""The task `ingest`: raw results trees into the datasets, whole runs at a time."""

from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from .model.errors import InputError
from .model.names import RunKey
from .reading.admission import refuse_wrong
from .reading.records import FileStatus, Reading, cell_counts
from .reading.tree import read_tree
from .storage.dataset import Dataset
from .storage.run_folder import run_folders


@dataclass(frozen=True, slots=True)
class Ingested:
    """One environment of one run, as the datasets now hold it."""

    environment: str
    run: str
    cells: int
    passed: int
    files_read: int
    files_refused: tuple[str, ...]

    @property
    def key(self) -> RunKey:
        return (self.environment, self.run)


@task(name="ingest", task_run_name="ingest · {path}", cache_policy=NO_CACHE)
def ingest_tree(
    path: Path, datasets: str, environment: str | None = None, run: str | None = None
) -> list[Ingested]:
    """Reads every environment below `path`: a run, an environment, an iteration, or a tree of the
    published framework. The latter holds no names: `environment` and `run` name it, by default
    "legacy" and the folder's name.

    Environments of a run that were not measured yet are left out, unless none was measured. Reading
    the same tree again changes nothing. Either all of it enters the datasets or nothing does.
    Raises InputError for a wrong tree, DatasetError for a wrong dataset.
    """
    readings = read_tree(path, environment, run)
    dataset = Dataset(datasets)
    refuse_wrong(readings, dataset)
    dataset.replace_all({reading.key: reading.tables() for reading in readings})
    return [_ingested(reading) for reading in readings]


def _ingested(reading: Reading) -> Ingested:
    refused = reading.manifest.filter(status=FileStatus.REFUSED)
    return Ingested(
        *reading.key,
        *cell_counts(reading.cells),
        files_read=reading.manifest.filter(status=FileStatus.READ).height,
        files_refused=tuple(f"{path}: {reason}" for path, _, reason in refused.iter_rows()),
    )


def is_measured(run: Path) -> bool:
    """Whether a run's folder holds anything to ingest."""
    return any(folder.is_measured for folder in run_folders(run))


def held(datasets: str, environment: str, run: str) -> Ingested:
    """One environment of one run that is in the datasets already. Raises InputError."""
    cells = Dataset(datasets).rows("cells", [(environment, run)])
    if cells.is_empty():
        raise InputError(datasets, "", f"no run {run!r} of {environment!r}", "one that is in it")
    return Ingested(environment, run, *cell_counts(cells), files_read=0, files_refused=())
