"""A whole campaign on the command line, from two SSH addresses to a report."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from tasks.lab import lifecycle
from tasks.lab.state import LabState
from tasks.reading import cell, native
from tasks.storage.dataset import Dataset
from tasks.storage.run_folder import RunFolder
from tasks.storage.schema import TABLES

from ..benchmarks.recompute import compare
from ..benchmarks.recompute_page import first_screen

pytestmark = pytest.mark.lab

NAME = "campaign"


@dataclass(frozen=True)
class Done:
    """A finished campaign of two tools and two placebos in one iteration."""

    state: LabState
    folder: Path
    run: Path
    output: str
    code: int

    @property
    def datasets(self) -> Dataset:
        return Dataset(self.folder / "datasets")


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PREFECT_HOME": str(folder / "prefect")}
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *words],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env=environment,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    folder = tmp_path_factory.mktemp("campaign")
    state = lifecycle.up(NAME)
    try:
        config = str(folder / "config")
        minimal = str(state.minimal_input)
        found = command(folder, "bootstrap", "--minimal-input", minimal, "--output-dir", config)
        assert found.returncode == 0, found.stderr
        ran = command(
            folder, "run", "--config-dir", config, "--tools", "rx_packet_stacks,rx_size_histogram",
            "--iterations", "1", "--window", "2", "--workloads", "quick", "--seed", "1",
            "--monitor-interval", "1", "--attribution", "1", "--max-load", "64",
            "--results-dir", str(folder / "results"), "--datasets", str(folder / "datasets"),
            "--output-dir", str(folder / "reports"),
        )  # fmt: skip
        assert ran.returncode in (0, 1), ran.stderr
        run = next((folder / "results").iterdir())
        yield Done(state, folder, run, ran.stdout, ran.returncode)
    finally:
        lifecycle.down(NAME)


def test_the_terminal_shows_a_row_for_every_tool_and_the_path_of_the_report(done):
    for tool in ("rx_packet_stacks", "rx_size_histogram", "placebo"):
        assert tool in done.output
    report = done.folder / "reports" / done.run.name / "report.en.html"
    assert str(report) in done.output
    assert report.stat().st_size > 50_000
    assert report.with_name("report.zh.html").exists()


def test_every_planned_cell_is_in_exactly_one_state(done):
    plan = json.loads((done.run / NAME / "workflow.json").read_text())
    planned = {(s["position"], w["name"]) for s in plan["slots"] for w in plan["workloads"]}
    cells = done.datasets.scan("cells").collect()
    last = cells.sort("attempt").unique(["position", "workload"], keep="last")
    assert set(last.select("position", "workload").iter_rows()) == planned
    assert set(last["status"]) <= {"passed", "invalid"}
    assert last.filter(status="passed").height >= 0.8 * len(planned)


def test_a_cell_that_did_not_pass_has_a_reason_and_no_samples(done):
    cells = done.datasets.scan("cells").collect()
    samples = done.datasets.scan("samples").collect()
    bad = cells.filter(pl.col("status") != "passed")
    assert bad.filter(pl.col("reason").is_null()).is_empty()
    key = ["layer", "iteration", "position", "workload", "attempt"]
    assert samples.join(bad, on=key, how="semi").is_empty()


def test_the_kernel_counts_the_programs_of_each_tool_and_none_of_a_placebo(done):
    programs = done.datasets.scan("bpf_programs").collect()
    assert set(programs["tool"]) == {"rx_packet_stacks", "rx_size_histogram"}
    stacks = programs.filter(tool="rx_packet_stacks").row(0, named=True)
    histogram = programs.filter(tool="rx_size_histogram", type="tracepoint").row(0, named=True)
    assert stacks["run_cnt"] > 10_000
    assert 1_000 < stacks["ns_per_event"] < 50_000
    assert 20 < histogram["ns_per_event"] < 5_000


def test_raw_results_have_the_published_layout(done):
    tree = done.run / NAME / "iteration_001"
    server, client = (tree / f"host-{side}" / "performance-test-results" for side in _SIDES)
    assert list(client.glob("baseline/host/client_results/throughput/single_tcp_*/metadata.json"))
    assert list(server.glob("baseline/host/server_results/pps/single_udp_*/*.log"))
    tools = list(server.glob("ebpf/rx_packet_stacks_case_*/host"))
    assert len(tools) == 1
    assert list(tools[0].glob("ebpf_monitoring/latency/tcp_rr_*/pidstat.log"))
    assert list(tools[0].glob("ebpf_output_*.log"))


_SIDES = ("server", "client")


def test_a_script_of_its_own_finds_the_same_numbers_in_the_raw_files(done, tmp_path):
    datasets, run = done.folder / "datasets", done.run / NAME
    assert compare(run, datasets) == []
    altered = Path(shutil.copytree(datasets, tmp_path / "altered"))
    for file in (altered / "samples").rglob("*.parquet"):
        latency = pl.col("metric") == "latency_mean_us"
        one_more = pl.when(latency).then(pl.col("value") + 1).otherwise("value").alias("value")
        pl.read_parquet(file).with_columns(one_more).write_parquet(file)
    assert any("latency_mean_us" in line for line in compare(run, altered))


def test_a_script_of_its_own_finds_what_the_first_screen_says(done, tmp_path):
    datasets, run = done.folder / "datasets", done.run / NAME
    report = done.folder / "reports" / done.run.name / "report.en.html"
    assert first_screen(report, run, datasets) == []
    altered = tmp_path / "altered.html"
    altered.write_text(re.sub(r"\d+ of 2 tools", "3 of 2 tools", report.read_text()))
    assert any("3 of 2 tools" in line for line in first_screen(altered, run, datasets))


def test_no_files_or_programs_stay_on_the_hosts(done, shell):
    for name in ("host-server", "host-client"):
        files = "find /srv/bench/performance-test-results /tmp -type f ! -name '*.lock'"
        assert shell(done.state, name, f"{files} || true").strip() == ""
        assert "iperf3" not in shell(done.state, name, "ps -e -o args=")


def test_ingesting_the_same_tree_again_changes_nothing(done):
    def contents() -> dict[str, list[tuple[object, ...]]]:
        return {name: done.datasets.scan(name).collect().rows() for name in TABLES}

    before = contents()
    again = command(
        done.folder, "ingest", str(done.run), "--datasets", str(done.folder / "datasets")
    )
    assert again.returncode == 0, again.stderr
    assert contents() == before


def test_stored_readings_give_the_same_rows_as_the_raw_files(done, monkeypatch):
    folder = RunFolder(done.run / NAME)
    parsed = []

    def read_cell(*arguments):
        parsed.append(arguments)
        return cell.read_cell(*arguments)

    monkeypatch.setattr(native, "read_cell", read_cell)
    stored = native.read_environment(folder)
    assert not parsed, "every cell was read while it was measured"
    readings = folder.path / "readings.jsonl"
    text = readings.read_bytes()
    readings.unlink()
    try:
        raw = native.read_environment(folder)
    finally:
        readings.write_bytes(text)
    assert len(parsed) == raw.cells.height > 0
    for name, rows in raw.tables().items():
        assert stored.tables()[name].equals(rows), name


def test_a_cut_line_of_a_journal_is_named(done, tmp_path):
    copy = Path(shutil.copytree(done.run / NAME, tmp_path / NAME))
    outcomes = copy / "outcomes.jsonl"
    outcomes.write_bytes(outcomes.read_bytes()[:-20])
    manifest = native.read_environment(RunFolder(copy)).manifest
    (refused,) = manifest.filter(status="refused").rows()
    last = len(outcomes.read_bytes().splitlines())
    assert refused[0] == "outcomes.jsonl"
    assert refused[2].startswith(f"line {last} is cut")


def test_the_run_is_in_the_datasets_with_its_facts(done):
    run = done.datasets.scan("runs").collect().row(0, named=True)
    facts = json.loads(run["facts"])
    assert run["environment"] == NAME
    assert facts["host-server"]["kernel"] == os.uname().release
    assert json.loads(run["design"])["seed"] == 1
