"""What `make setup` says where Python is missing or too old."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.model.names import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def setup(clone: Path, python: str) -> str:
    # the make that runs the tests would have this one print the folders that it enters
    alone = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        ["make", "setup", f"PYTHON={python}"],
        cwd=clone,
        env=alone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert not (clone / ".venv").exists()
    (line,) = done.stdout.splitlines()
    return line


def test_a_missing_python_is_called_missing(clone: Path) -> None:
    assert setup(clone, "python9") == (
        "python9 is missing: install it (Debian package python3), or set PYTHON"
    )


def test_an_old_python_is_called_old(clone: Path) -> None:
    old = clone / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert setup(clone, str(old)) == f"{old} is older than 3.11: set PYTHON to a newer one"
