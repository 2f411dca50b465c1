"""Results for programs: JSON on standard output, files for CI and monitoring, budgets."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from flows.cli.documents import render
from tasks.model.names import ROOT

TREE = ROOT / "tests/data/legacy-results"


def ebpf_overhead(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", "--project", str(folder), *words],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def analysed(folder):
    (folder / "b.yaml").write_text(
        "name: b\nlimits: [{tool: det, metric: log_mib_per_min, max: 300},"
        " {tool: summ, metric: tool_cpu_pct, max: 5}]"
    )
    exports = [
        word for name in ("r.json", "r.xml", "r.md", "r.prom") for word in ("--export", name)
    ]
    return ebpf_overhead(
        folder, "analyze", "--iteration-path", str(TREE), "--environment", "old", "--run", "r1",
        "--lang", "en", "--format", "json", "--enforce", "b.yaml", *exports,
    )  # fmt: skip


def test_standard_output_is_one_json_document_and_the_rest_is_on_standard_error(analysed):
    document = json.loads(analysed.stdout)
    assert document["format"] == "ebpf-overhead.result.1"
    assert document["runs"] == [
        {"environment": "old", "run": "r1", "clock": "wall", "cells": 18, "passed": 18}
    ]
    assert {answer["tool"]: answer["answer"] for answer in document["answers"]} == {
        "det": "undecided", "summ": "undecided",
    }  # fmt: skip
    assert "18 of 18 cells passed" in analysed.stderr


def test_the_files_hold_the_same_result_in_their_formats(analysed, folder):
    assert analysed.returncode == 0, analysed.stderr
    answers = json.loads(analysed.stdout)["answers"]
    assert json.loads((folder / "r.json").read_text()) == json.loads(analysed.stdout)
    suites = ElementTree.parse(folder / "r.xml").getroot()
    tests = {case.get("name"): [part.tag for part in case] for case in suites.iter("testcase")}
    assert tests["det"] == tests["summ"] == ["skipped"]
    families = text_string_to_metric_families((folder / "r.prom").read_text())
    gauges = {s.labels["tool"]: s.labels["answer"] for family in families for s in family.samples
              if s.name == "ebpf_overhead_permitted_use" and s.value == 1}  # fmt: skip
    assert gauges == {answer["tool"]: answer["answer"] for answer in answers}
    assert "| old " in (folder / "r.md").read_text()


def test_each_cost_is_within_its_limit_above_it_or_undecided(analysed):
    limits = json.loads(analysed.stdout)["limits"]
    assert {limit["limit"] for limit in limits} == {
        "det log_mib_per_min <= 300", "summ tool_cpu_pct <= 5",
    }  # fmt: skip
    counts = [sum(limit["state"] == state for limit in limits)
              for state in ("within", "above", "undecided")]  # fmt: skip
    assert (
        "b.yaml: of {} costs {} within the limit, {} above it, {} undecided".format(
            len(limits), *counts
        )
        in analysed.stderr
    )


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--export", "result.txt"], "--export: result.txt: unknown format; expected a file name"),
        (["--export", "none/r.json"], "--export: none/r.json: its folder does not exist"),
        (["--enforce", "none.yaml"], "none.yaml"),
    ],
)
def test_wrong_files_are_refused_before_the_analysis(folder, words, part):
    done = ebpf_overhead(folder, "analyze", "--iteration-path", str(TREE), *words)
    assert done.returncode == 2
    assert part in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_limit_for_an_unknown_tool_is_refused_with_the_near_name(folder, analysed):
    (folder / "wrong.yaml").write_text(
        "name: w\nlimits: [{tool: sum, metric: tool_cpu_pct, max: 5}]"
    )
    done = ebpf_overhead(
        folder, "analyze", "--iteration-path", str(TREE), "--environment", "old", "--run", "r1",
        "--lang", "en", "--enforce", "wrong.yaml",
    )  # fmt: skip
    assert done.returncode == 2
    assert "limits[0].tool: 'sum' was not measured; expected one of summ" in done.stderr


def test_the_description_of_the_documents_is_generated_from_them():
    kept = (ROOT / "deployments" / "OUTPUT.md").read_text("utf-8")
    assert kept == render(), "run: python -m flows.cli.documents"
