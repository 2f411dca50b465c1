"""A wrong tree or dataset gives one line that says what is wrong and where, exit code 2, and leaves
the dataset unchanged, byte by byte."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tasks.ingest import ingest_tree
from tasks.model.errors import InputError, InputErrors, OverheadError
from tasks.model.names import ROOT
from tasks.reading import legacy
from tasks.reading.admission import refuse_wrong
from tasks.storage import dataset as dataset_module
from tasks.storage.dataset import Dataset
from tasks.storage.schema import VERSION

from ..paths import LEGACY_RESULTS

LATENCY = "iteration_001/host-client/performance-test-results/baseline/host/client_results/latency"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LEGACY_RESULTS, tmp_path / "tree"))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A dataset that holds the sample as run `kept`."""
    root = tmp_path / "parquet"
    ingest_tree.fn(LEGACY_RESULTS, str(root), "lab", "kept")
    return root


def files(root: Path) -> dict[str, bytes]:
    paths = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def refusal(tree: Path, dataset: Path, run: str = "new") -> str:
    """The error message of ingest, checked to be one line, to exit with 2 and to change nothing."""
    before = files(dataset)
    names = (None, None) if any(tree.glob("*/environment.json")) else ("lab", run)
    with pytest.raises(OverheadError) as caught:
        ingest_tree.fn(tree, str(dataset), *names)
    assert caught.value.exit_code == 2
    assert files(dataset) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def native_tree(folder: Path, **known: object) -> Path:
    """A run of this program with one environment, in which nothing was measured."""
    about = {"environment": "lab", "run": "r1", "schema_version": VERSION} | known
    (folder / "lab").mkdir(parents=True)
    (folder / "lab/environment.json").write_text(json.dumps(about))
    return folder


# -- wrong trees -----------------------------------------------------------------------------------


def test_a_missing_folder_is_refused(tmp_path, dataset):
    assert refusal(tmp_path / "gone", dataset).startswith(f"{tmp_path}/gone: no such folder")


def test_an_empty_folder_is_refused(tmp_path, dataset):
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path}/empty: no load results" in refusal(tmp_path / "empty", dataset)


def test_a_run_without_a_measured_cell_is_refused(tmp_path, dataset):
    message = refusal(native_tree(tmp_path / "run"), dataset)
    assert message.startswith(f"{tmp_path}/run/lab: holds no measured cell")


def test_a_tree_without_a_baseline_is_refused(tree, dataset):
    for baseline in tree.glob("*/*/performance-test-results/baseline"):
        shutil.rmtree(baseline)
    assert refusal(tree, dataset).startswith(f"{tree}: holds no baseline")


@pytest.mark.parametrize("version", [VERSION + 1, "two", None])
def test_a_tree_of_an_unknown_schema_version_is_refused(tmp_path, dataset, version):
    message = refusal(native_tree(tmp_path / "run", schema_version=version), dataset)
    assert f"environment.json: schema_version: {version!r} is not known here" in message


def test_cells_of_a_later_format_are_refused_naming_one(tmp_path, dataset):
    tree = native_tree(tmp_path / "run")
    slot = tree / "lab/iteration_001/c/performance-test-results/baseline/host/metadata_1.json"
    slot.parent.mkdir(parents=True)
    slot.write_text('{"format": 99}')
    message = refusal(tree, dataset)
    assert f"{slot}: format 99 is newer" in message


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1, "run": "r"}'])
def test_a_damaged_environment_file_is_named(tmp_path, dataset, text):
    tree = native_tree(tmp_path / "run")
    (tree / "lab/environment.json").write_text(text)
    assert f"{tree}/lab/environment.json: " in refusal(tree, dataset)


def test_an_invalid_run_name_is_refused(tmp_path, dataset):
    assert "'../x' cannot name" in refusal(LEGACY_RESULTS, dataset, run="../x")


# -- two trees of one run --------------------------------------------------------------------------


def test_a_second_tree_of_a_run_is_refused_naming_both(tree, dataset):
    next((tree / LATENCY).glob("tcp_rr_*/*.txt")).write_text("")
    message = refusal(tree, dataset, run="kept")
    assert message.startswith(
        f"{tree}: run kept of lab is already that of another tree, {LEGACY_RESULTS};"
    )


def test_two_folders_of_one_tree_that_are_the_same_run_are_refused(tmp_path):
    one = legacy.read(LEGACY_RESULTS, "lab", "a")
    two = replace(one, runs=one.runs.with_columns(raw_path=pl.lit("/copy")))
    with pytest.raises(InputError, match=f"/copy: run a of lab .* another tree, {LEGACY_RESULTS}"):
        refuse_wrong([one, two], Dataset(tmp_path))


def test_names_for_a_tree_that_holds_its_own_are_refused(tmp_path):
    (tmp_path / "night/intel").mkdir(parents=True)
    (tmp_path / "night/intel/environment.json").touch()
    with pytest.raises(InputErrors) as refused:
        ingest_tree.fn(tmp_path / "night", str(tmp_path / "datasets"), "lab", "other")
    assert [e.key for e in refused.value.errors] == ["lab", "other"]


def test_a_tree_that_was_moved_is_not_a_second_one(tree, dataset):
    before = pl.read_parquet(dataset / "cells/**/*.parquet")
    ingest_tree.fn(tree, str(dataset), "lab", "kept")
    assert pl.read_parquet(dataset / "cells/**/*.parquet").equals(before)
    assert Dataset(dataset).scan("runs").collect()["raw_path"].to_list() == [str(tree)]


def test_a_tree_that_grew_replaces_what_was_read_of_it(tree, tmp_path, monkeypatch):
    dataset = tmp_path / "grown"
    late = tree / "iteration_001/host-client/performance-test-results/ebpf/det_case_2_tcp_rx_9d5e19"
    shutil.move(late, tmp_path / "later")
    (first,) = ingest_tree.fn(tree, str(dataset), "lab", "r")
    shutil.move(tmp_path / "later", late)
    monkeypatch.chdir(tree.parent)  # the same tree, named another way
    (second,) = ingest_tree.fn(Path("tree"), str(dataset), "lab", "r")
    assert (first.passed, second.passed) == (12, 18)


# -- wrong datasets --------------------------------------------------------------------------------


def test_the_error_for_a_truncated_file_says_how_to_repair_it_and_that_works(dataset):
    path = dataset / "runs/environment=lab/run=kept/data.parquet"
    whole = files(dataset)
    path.write_bytes(path.read_bytes()[:-9])
    message = refusal(LEGACY_RESULTS, dataset)
    assert message.startswith(f"{path}: truncated or not parquet")
    assert message.endswith("remove it and ingest its tree again")
    path.unlink()
    ingest_tree.fn(LEGACY_RESULTS, str(dataset), "lab", "kept")
    assert files(dataset) == whole


def test_a_truncated_file_of_the_same_run_is_repaired_by_ingesting_its_tree_again(dataset):
    whole = files(dataset)
    path = dataset / "samples/environment=lab/run=kept/data.parquet"
    path.write_bytes(path.read_bytes()[:100])
    ingest_tree.fn(LEGACY_RESULTS, str(dataset), "lab", "kept")
    assert files(dataset) == whole


def test_a_foreign_file_in_a_partition_is_refused(dataset):
    foreign = dataset / "runs/environment=lab/run=kept/notes.txt"
    foreign.write_text("hello")
    assert (
        refusal(LEGACY_RESULTS, dataset) == f"{foreign}: not a file of this dataset; move it away"
    )


def test_a_dataset_of_a_later_schema_is_refused(tmp_path, dataset, monkeypatch):
    monkeypatch.setattr(dataset_module, "VERSION", VERSION + 1)
    ingest_tree.fn(LEGACY_RESULTS, str(dataset), "lab", "later")
    monkeypatch.undo()
    assert f"schema version {VERSION + 1}, this program knows {VERSION}" in refusal(
        LEGACY_RESULTS, dataset
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_disk_that_fills_up_during_a_commit_leaves_the_dataset_unchanged(tmp_path):
    """Uses a full tmpfs in a mount namespace of its own."""
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", _FULL_DISK, str(tmp_path), str(LEGACY_RESULTS)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("No space left on device")


_FULL_DISK = """
import subprocess, sys
from pathlib import Path
from tasks.ingest import ingest_tree
from tasks.model.errors import DatasetError

root, sample = Path(sys.argv[1]) / "small", Path(sys.argv[2])
root.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "small", str(root)], check=True)
ingest_tree.fn(sample, str(root), "lab", "kept")
before = {path: path.read_bytes() for path in root.rglob("*.parquet")}
try:
    for run in range(9):
        ingest_tree.fn(sample, str(root), "lab", f"r{run}")
        before = {path: path.read_bytes() for path in root.rglob("*.parquet")}
except DatasetError as error:
    print(error)
assert before == {path: path.read_bytes() for path in root.rglob("*.parquet")}
assert not list(root.rglob("*.tmp"))
"""


# -- at the command line ---------------------------------------------------------------------------


def test_the_command_prints_one_line_and_exits_with_2(tmp_path, tree, dataset):
    next((tree / LATENCY).glob("tcp_rr_*/*.txt")).write_text("")
    before = files(dataset)
    command = Path(sys.executable).with_name("ebpf-overhead")
    options = ["--datasets", str(dataset), "--environment", "lab", "--run", "kept"]
    done = subprocess.run(
        [command, "ingest", str(tree), *options],
        env=os.environ | {"PREFECT_HOME": str(tmp_path / "prefect")},
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {tree}: run kept of lab is already that of another tree")
    assert done.stderr.count("\n") == 1
    assert files(dataset) == before
