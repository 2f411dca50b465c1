"""The project folder: the one in which a command runs. All its relative paths start there."""

import os
import shutil
from pathlib import Path

from tasks.model.errors import InputError
from tasks.model.names import ROOT

_GITIGNORE = "/results/\n/reports/\n/datasets/parquet/\n"
_COPIED = {
    "minimal-input.yaml": "config/environments/example/minimal-input.yaml",
    "datasets/notebooks/which_tools.py": "datasets/notebooks/which_tools.py",
    "datasets/notebooks/what_changed.py": "datasets/notebooks/what_changed.py",
}
"""File of a new project -> the file of the program that it is a copy of."""


def enter_project(folder: Path) -> None:
    """Makes it the current folder. Raises InputError if it is none."""
    try:
        os.chdir(folder)
    except OSError as error:
        expected = "a folder; `ebpf-overhead init FOLDER` makes one"
        raise InputError("--project", str(folder), error.strerror or "", expected) from error


def make_project(folder: Path) -> dict[Path, bool]:
    """Writes the first files of a project. Returns each file, and False for one that was there
    before and is kept."""
    written = {}
    for name, source in {**_COPIED, ".gitignore": ""}.items():
        path = folder / name
        written[path] = not path.exists()
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if source:
            shutil.copyfile(ROOT / source, path)
        else:
            path.write_text(_GITIGNORE, encoding="utf-8")
    return written
