"""The installed program: one package that holds everything, and works from any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .paths import REFERENCE_CASES
from .test_floors import ROOT

RUNTIME = ("config", "flows", "tasks", "datasets/reference", "deployments")
SHOWN_ONLY = ("deployments/pictures/", "config/environments/")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def python(installed: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The interpreter of the tests with the installed package in place of the clone's."""
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def command(installed: Path, cwd: Path, *words: str) -> str:
    code = "import sys; from ebpf_overhead.command import main; sys.exit(main())"
    done = python(installed, cwd, "-c", code, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_brings_one_package_and_every_file_that_runs(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"ebpf_overhead"}
    listed = subprocess.run(
        ["git", "ls-files", *RUNTIME], cwd=ROOT, capture_output=True, text=True, check=True
    )
    needed = [file for file in listed.stdout.splitlines() if not file.startswith(SHOWN_ONLY)]
    assert len(needed) > 200
    assert [file for file in needed if f"ebpf_overhead/{file}" not in names] == []


def test_importing_it_hides_no_other_package(installed, tmp_path):
    code = (
        "import importlib.util, ebpf_overhead\n"
        "print(ebpf_overhead.__file__, ebpf_overhead.open('none').runs.collect().height)\n"
        "print([n for n in ('tasks', 'flows', 'datasets') if importlib.util.find_spec(n)])"
    )
    done = python(installed, tmp_path, "-c", code)
    assert done.stdout == f"{installed}/ebpf_overhead/__init__.py 0\n[]\n", done.stderr


def test_it_works_in_a_project_folder_and_writes_nothing_beside_its_code(installed, tmp_path):
    before = sorted(installed.rglob("*"))
    project = tmp_path / "project"
    assert "wrote project/minimal-input.yaml" in command(installed, tmp_path, "init", "project")
    config = project / "config" / "environments" / "published"
    config.mkdir(parents=True)
    for path in REFERENCE_CASES.glob("*"):
        if path.name.endswith(("full.yaml", "cases.json")):
            (config / path.name).write_text(path.read_text())
    shown = command(
        installed, tmp_path, "--project", "project", "plan", "--config-dir", "published"
    )
    assert "97 cases" in shown
    assert (config / "workflow.json").is_file()
    tree = str(ROOT / "tests/data/legacy-results")
    command(
        installed, project, "analyze", "--iteration-path", tree, "--environment", "old",
        "--run", "r1", "--lang", "en",
    )  # fmt: skip
    assert list(project.rglob("report.en.html"))
    assert "os620" in command(installed, project, "check", "--reference", "--format", "json")
    assert sorted(installed.rglob("*")) == before


def test_a_file_of_the_project_folder_takes_precedence(installed, tmp_path):
    own = tmp_path / "config" / "workloads.yaml"
    own.parent.mkdir()
    own.write_text("nonsense: 1\n")
    code = "from ebpf_overhead.tasks.planning.workloads import read_workloads as r; r()"
    done = python(installed, tmp_path, "-c", code)
    assert "config/workloads.yaml" in done.stderr


def test_running_init_again_keeps_what_is_there(installed, tmp_path):
    command(installed, tmp_path, "init")
    (tmp_path / "minimal-input.yaml").write_text("mine")
    assert "kept minimal-input.yaml" in command(installed, tmp_path, "init")
    assert (tmp_path / "minimal-input.yaml").read_text() == "mine"
