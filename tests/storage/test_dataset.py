"""A dataset stores what it is given completely, or reports in one line why it cannot."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tasks.model.errors import DatasetError
from tasks.model.names import ROOT
from tasks.storage import dataset as dataset_module
from tasks.storage.dataset import Dataset
from tasks.storage.schema import TABLES


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "parquet")


def snapshot(dataset: Dataset) -> dict[str, bytes]:
    """Every file below the dataset's root except the writers' lock."""
    root = Path(dataset.root)
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def one_line(error: pytest.ExceptionInfo[DatasetError], name: str) -> bool:
    return name in str(error.value) and "\n" not in str(error.value)


def test_rows_are_read_back_as_written_with_their_nulls(dataset, run_tables):
    tables = run_tables("lab", "007")
    dataset.replace("lab", "007", tables)
    for name, frame in tables.items():
        assert dataset.scan(name).collect().equals(frame), name


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_dataset_has_every_table_without_rows(dataset, table):
    found = dataset.scan(table).collect()
    assert (found.schema, found.height) == (TABLES[table].schema, 0)


def test_names_that_look_like_numbers_or_dates_stay_text(dataset, run_tables):
    for run in ("007", "2026-11-22", "true", "1e5"):
        dataset.replace("510", run, run_tables("510", run))
    assert set(dataset.scan("runs").collect()["run"]) == {"007", "2026-11-22", "true", "1e5"}


def test_writing_a_run_again_changes_nothing(dataset, run_tables):
    dataset.replace("lab", "a", run_tables("lab", "a"))
    before = snapshot(dataset)
    dataset.replace("lab", "a", run_tables("lab", "a"))
    assert snapshot(dataset) == before


def test_a_run_replaces_itself_and_no_other(dataset, run_tables):
    dataset.replace("lab", "a", run_tables("lab", "a", cells=5))
    dataset.replace("lab", "b", run_tables("lab", "b", cells=1))
    dataset.replace("lab", "a", run_tables("lab", "a", cells=2))
    cells = dataset.scan("cells").group_by("run").len().sort("run").collect()
    assert cells.rows() == [("a", 2), ("b", 1)]


def test_tables_that_are_not_named_stay_unchanged(dataset, run_tables):
    dataset.replace("lab", "a", run_tables("lab", "a"))
    dataset.replace("lab", "a", {"checks": TABLES["checks"].frame()})
    assert dataset.scan("cells").collect().height == 2


def test_a_run_is_listed_only_after_all_its_tables(dataset, run_tables, monkeypatch):
    renamed = []
    replace = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda self, target: (renamed.append(target), replace(self, target))[1]
    )
    dataset.replace("lab", "a", run_tables("lab", "a"))
    assert [path.relative_to(dataset.root).parts[0] for path in renamed] == [
        "cells", "samples", "runs",
    ]  # fmt: skip


def test_a_reader_with_the_dataset_open_can_continue(dataset, run_tables):
    dataset.replace("lab", "a", run_tables("lab", "a", cells=3))
    rows = dataset.scan("cells")
    dataset.replace("lab", "a", run_tables("lab", "a", cells=4))
    assert rows.collect().height in (3, 4)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("status", "fine", "status holds 'fine'"),
        ("status", None, "status is missing in 2 rows"),
        ("window_s", float("nan"), "NaN"),
        ("position", 7, "two rows have the key"),
        ("run", "b", "rows of another run than a"),
    ],
)
def test_a_frame_that_violates_the_schema_is_refused_as_a_whole(
    dataset, run_tables, column, value, reason
):
    tables = run_tables("lab", "a")
    dtype = TABLES["cells"].schema[column]
    tables["cells"] = tables["cells"].with_columns(pl.lit(value, dtype).alias(column))
    with pytest.raises(DatasetError, match=reason):
        dataset.replace("lab", "a", tables)
    assert snapshot(dataset) == {}


def test_other_columns_than_the_schemas_are_refused(dataset, run_tables):
    tables = run_tables("lab", "a")
    tables["cells"] = tables["cells"].drop("gate").with_columns(pl.lit(1).alias("score"))
    with pytest.raises(DatasetError, match=r"\['gate', 'score'\]"):
        dataset.replace("lab", "a", tables)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a=b c", "x" * 65])
def test_an_invalid_name_never_becomes_a_path(dataset, run_tables, name):
    with pytest.raises(DatasetError, match="cannot name"):
        dataset.replace("lab", name, {})


def test_a_truncated_file_is_named(dataset, run_tables):
    dataset.replace("lab", "a", run_tables("lab", "a"))
    path = Path(dataset.files("cells")[0])
    whole = path.read_bytes()
    for cut in (0, 3, 100, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(DatasetError) as caught:
            dataset.scan("cells")
        assert one_line(caught, str(path))


def test_a_foreign_file_is_named(dataset, run_tables):
    dataset.replace("lab", "a", run_tables("lab", "a"))
    foreign = Path(dataset.files("cells")[0]).with_name("notes.txt")
    foreign.write_text("hello")
    with pytest.raises(DatasetError) as caught:
        dataset.scan("cells")
    assert one_line(caught, str(foreign))
    assert dataset.scan("samples").collect().height == 2


def test_parquet_of_another_program_is_named(dataset, run_tables):
    dataset.replace("lab", "a", run_tables("lab", "a"))
    path = dataset.files("cells")[0]
    pl.DataFrame({"x": [1]}).write_parquet(path)
    with pytest.raises(DatasetError, match="not written by this program") as caught:
        dataset.scan("cells")
    assert one_line(caught, path)


def test_a_later_schema_is_refused(dataset, run_tables, monkeypatch):
    now = dataset_module.VERSION
    monkeypatch.setattr(dataset_module, "VERSION", now + 1)
    dataset.replace("lab", "a", run_tables("lab", "a"))
    monkeypatch.undo()
    message = f"schema version {now + 1}, this program knows {now}; update it"
    with pytest.raises(DatasetError, match=message):
        dataset.scan("cells")


def test_a_column_that_was_added_later_reads_as_null(dataset, run_tables):
    dataset.replace("lab", "a", run_tables("lab", "a"))
    path = dataset.files("cells")[0]
    metadata = {"ebpf-overhead-schema": "1"}
    pl.read_parquet(path, hive_partitioning=False).drop("epoch").write_parquet(
        path, metadata=metadata
    )
    found = dataset.scan("cells").collect()
    assert found.schema == TABLES["cells"].schema
    assert found["epoch"].null_count() == 2


def test_a_full_disk_leaves_the_dataset_unchanged(tmp_path, run_tables):
    """Uses a full tmpfs of 64 KiB in a mount namespace of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", _FULL_DISK, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "No space left on device" in done.stdout


_FULL_DISK = """
import os, subprocess, sys
from pathlib import Path
import polars as pl
from tasks.model.errors import DatasetError
from tasks.storage.dataset import Dataset
from tasks.storage.schema import TABLES

root = Path(sys.argv[1]) / "small"
root.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "small", str(root)], check=True)
row = {"environment": "lab", "run": "a", "source": "native", "schema_version": 1, "clock": "wall"}
dataset = Dataset(root)
dataset.replace("lab", "a", {"runs": TABLES["runs"].frame([row])})
before = {path: path.read_bytes() for path in root.rglob("*.parquet")}
noise = os.urandom(200_000).hex()
try:
    dataset.replace("lab", "a", {"runs": TABLES["runs"].frame([row | {"facts": noise}])})
except DatasetError as error:
    print(error)
after = {path: path.read_bytes() for path in root.rglob("*.parquet")}
assert after == before and before
assert [p for p in root.rglob("*.tmp")] == []
"""


def _write_forever(root: str, tables: dict[str, pl.DataFrame]) -> None:
    while True:
        Dataset(root).replace("lab", "a", tables)


def test_a_writer_killed_at_any_moment_leaves_no_incomplete_file(dataset, run_tables):
    dataset.replace("lab", "a", run_tables("lab", "a"))
    spawn = multiprocessing.get_context("spawn")
    for round_ in range(3):
        args = (dataset.root, run_tables("lab", "a", cells=200))
        writer = spawn.Process(target=_write_forever, args=args)
        writer.start()
        time.sleep(1.0 + 0.037 * round_)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        for table in ("runs", "cells", "samples"):
            assert dataset.scan(table).collect().height in (1, 2, 200)
    dataset.replace("lab", "a", run_tables("lab", "a"))
    assert not [name for name in snapshot(dataset) if name.endswith(".tmp")]


def test_rows_returns_all_rows_of_the_given_runs_and_no_others(dataset, run_tables):
    keys = [("lab", "a"), ("lab", "b"), ("510", "a")]
    cells = {key: run_tables(*key)["cells"] for key in keys}
    for key in keys:
        dataset.replace(*key, run_tables(*key))
    assert dataset.rows("cells", keys[:1]).equals(cells["lab", "a"])
    assert dataset.rows("cells", keys).equals(dataset.scan("cells").collect())
    assert dataset.rows("cells", []).is_empty()
    assert dataset.rows(
        "cells", [("510", "b")]
    ).is_empty()  # environment and run of two different runs
