"""The run folder: its files are read as they were written, also those of older formats."""

import json
from pathlib import Path

import pytest

from tasks.model.environment import Layer
from tasks.model.errors import InputError, ParseError
from tasks.model.outcome import CellKey, CellReading, CellStatus, Outcome, Sample, Window
from tasks.model.plan import Case, CaseKind, Design, Plan, Slot, Workload
from tasks.storage import journal, rawtree
from tasks.storage.run_folder import RunFolder, hardware_groups, laid_out, run_folders

from ..paths import REFERENCE_CASES

LOAD = Workload("latency_tcp_rr", "latency", "netperf", "tcp", window_s=1, warmup_s=0)
BASELINE = Case(0, "baseline", CaseKind.BASELINE, Layer.HOST)
PLAN = Plan("e", Design(seed=1, iterations=1), (LOAD,), (BASELINE,), (Slot(1, 0, Layer.HOST, 0),))


def outcome(position: int, **more: object) -> Outcome:
    key = CellKey("e", "r", Layer.HOST, 1, position, "baseline", "w")
    return Outcome(key, CellStatus.PASSED, reason="übel", **more)  # type: ignore[arg-type]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration folder as bootstrap or the published framework writes it."""
    folder = tmp_path / "config"
    folder.mkdir()
    for file in REFERENCE_CASES.glob("*full.yaml"):
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def folder(tmp_path: Path, config: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run" / "e", config, "r", PLAN)


def test_a_run_reads_its_own_copy_and_reports_a_changed_original(
    folder: RunFolder, config: Path
) -> None:
    (file,) = config.iterdir()
    was = folder.full()
    assert folder.changed_original() == ""
    text = file.read_text()
    file.write_text(text.replace("test_ip: ", "test_ip: 1", 1))
    assert file.read_text() != text
    assert folder.full() == was
    assert folder.changed_original().startswith(f"{file} has changed since the run began")
    file.unlink()
    assert folder.changed_original() == ""


def test_an_incomplete_line_of_the_journal_is_dropped_and_the_others_are_read(
    folder: RunFolder,
) -> None:
    file = folder.path / "outcomes.jsonl"
    folder.add_outcome(outcome(0))
    whole = file.read_bytes()
    for cut in range(len(whole)):
        file.write_bytes(whole + whole[:cut])
        folder.add_outcome(outcome(1))
        assert [place[2] for place in folder.outcomes()] == [0, 1]


def test_the_cut_lines_of_a_journal_are_known(folder: RunFolder) -> None:
    file = folder.path / "outcomes.jsonl"
    for position in range(3):
        folder.add_outcome(outcome(position))
    assert journal.cut_lines(file) == []
    lines = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([lines[0], lines[1][:-7], lines[2][:9]]))
    assert journal.cut_lines(file) == [2, 3]


def test_a_lost_connection_in_an_older_journal_is_measured_again(folder: RunFolder) -> None:
    line = json.dumps(
        {
            "key": {
                "environment": "e", "run": "r", "layer": "host", "iteration": 1, "position": 0,
                "case": "baseline", "workload": "w", "attempt": 1,
            },
            "status": "failed",
            "reason": "transport: h: the connection is closed",
        }
    )  # fmt: skip
    (folder.path / "outcomes.jsonl").write_text(f"{line}\n")
    (read,) = folder.outcomes().values()
    assert (read.status, read.gate) == (CellStatus.INVALID, "transport")
    assert read.reason == "h: the connection is closed"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}'])
def test_the_error_for_a_damaged_environment_file_is_one_line_that_names_it(
    folder: RunFolder, text: str
) -> None:
    (folder.path / "environment.json").write_text(text)
    with pytest.raises(InputError, match=r"environment\.json") as caught:
        _ = RunFolder(folder.path).environment
    assert str(folder.path / "environment.json") in str(caught.value)


def test_environments_that_share_a_host_or_hardware_are_one_group(tmp_path: Path) -> None:
    shared = {
        "a": (["h1"], None),
        "b": (["h2"], "rack"),
        "c": (["h3"], "rack"),
        "d": (["h1"], None),
    }
    for name, (hosts, hardware) in shared.items():
        known = {"environment": name, "run": "r", "schema_version": 1, "hosts": hosts}
        rawtree.write_json(tmp_path / name / "environment.json", {**known, "hardware": hardware})
    groups = hardware_groups(laid_out(tmp_path))
    assert [[folder.path.name for folder in group] for group in groups] == [["a", "d"], ["b", "c"]]


def test_a_run_is_found_from_its_folder_an_environment_or_an_iteration(folder: RunFolder) -> None:
    iteration = folder.path / "iteration_001"
    iteration.mkdir()
    assert run_folders(folder.path.parent) == run_folders(folder.path) == [folder]
    assert run_folders(iteration) == [folder]
    with pytest.raises(InputError, match="is not a run's folder"):
        laid_out(iteration)


OLD_CELL = {
    "workload": {"name": "w", "kind": "latency", "program": "netperf", "protocol": "tcp"},
    "ts": "t", "slot": "s", "folders": {}, "ports": [], "started": 1.0, "ended": 2.0,
    "looks": {"h": {"world": {"kernel": "5.10"}, "frequency": {}}}, "format": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("failure", "gate", "reason", "not_fetched"),
    [
        ("", None, None, ""),
        ("tool_alive: it died: 1", "tool_alive", "it died: 1", ""),
        ("transport: h: lost", "transport", "h: lost", ""),
        ("transport: not fetched: h: gone", None, None, "h: gone"),
    ],
)
def test_cells_of_the_first_format_are_read(
    tmp_path: Path, failure: str, gate: str | None, reason: str | None, not_fetched: str
) -> None:
    file = tmp_path / "metadata.json"
    file.write_text(json.dumps(OLD_CELL | {"failure": failure}))
    cell = rawtree.read_cell(file)
    assert cell.host_states["h"].settings == {"kernel": "5.10"}
    assert (cell.failure and cell.failure.gate, cell.failure and cell.failure.reason) == (
        gate, reason,
    )  # fmt: skip
    assert cell.not_fetched == not_fetched


@pytest.mark.parametrize(
    "damage",
    [{"looks": {"h": {}}}, {"looks": {"h": 3}}, {"looks": []}, {"failure": None}, {"format": "1"}],
)
def test_a_damaged_cell_of_the_first_format_is_refused(
    tmp_path: Path, damage: dict[str, object]
) -> None:
    file = tmp_path / "metadata.json"
    file.write_text(json.dumps(OLD_CELL | damage))
    with pytest.raises(ParseError, match="not a record of this program"):
        rawtree.read_cell(file)


def test_a_stored_reading_is_used_only_for_the_files_it_was_read_from(
    folder: RunFolder,
) -> None:
    slot = rawtree.SlotRecord(
        "e", "r", Layer.HOST, 1, 0, 1, "t", BASELINE, "s", "c", "s", "eth0", "eth0", 1.0, ""
    )
    folders = {side: f"baseline/host/{side}" for side in ("client", "server", "monitor")}
    cell = rawtree.CellRecord(LOAD, "t", "slot", folders, (1,), 1.0, 2.0)
    raw = folder.tree(1, "c") / folders["client"] / "netperf_client_1.txt"
    raw.parent.mkdir(parents=True)
    raw.write_text("numbers")
    reading = CellReading(
        outcome(0).key, CellStatus.PASSED, "", "", (), {"s": Window("s", 1.0, 2.0, 1.0)},
        (Sample("latency_mean_us", 12.5, "c", "netperf"),), (),
    )  # fmt: skip
    folder.add_reading(reading, slot, cell)
    assert folder.readings() == {folder.source_of(slot, cell): reading}
    raw.write_text("other numbers")
    assert folder.source_of(slot, cell) not in folder.readings()
