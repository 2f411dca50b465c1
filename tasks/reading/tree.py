"""Reads a raw results tree, of this program or of the published framework."""

from pathlib import Path

from ..model.errors import InputError, raise_all
from ..model.names import as_id
from ..storage.run_folder import run_folders
from . import legacy, native
from .records import Reading


def read_tree(path: Path, environment: str | None = None, run: str | None = None) -> list[Reading]:
    """Reads every environment below `path`: a run, an environment, an iteration, or a tree of the
    published framework. The latter holds no names: `environment` and `run` name it, by default
    "legacy" and the folder's name.

    Environments of a run that were not measured yet are left out, unless none was.
    Raises InputError.
    """
    if not path.is_dir():
        raise InputError(str(path), "", "no such folder", "a results tree")
    path = path.resolve()
    folders = run_folders(path)
    if not folders:
        return [legacy.read(path, environment or "legacy", run or as_id(path.name))]
    given = {"environment": environment, "run": run}
    raise_all(
        [
            InputError(field, name, "the tree holds its own names", "left out")
            for field, name in given.items()
            if name is not None
        ]
    )
    measured = [folder for folder in folders if folder.is_measured]
    return [native.read_environment(folder) for folder in measured or folders]
