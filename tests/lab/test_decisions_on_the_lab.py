"""Decisions on the command line, on one lab: when to stop, which version is worse, whether a budget
is kept, and what a time budget can decide.

Two campaigns. The first compares the tool with stacks to the histogram until both are decided; in
the second, the histogram's script is replaced by a version that takes stacks as well. The link is
limited to a rate that the machine always reaches, except with the stacks.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from tasks.lab import lifecycle
from tasks.lab.minimal_input import TOOLS
from tasks.statistics.decision_rules import ANALYSES
from tasks.storage.dataset import Dataset

from .conftest import Shell, overhead

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAME = "decisions"
STACKS, HISTOGRAM = "rx_packet_stacks", "rx_size_histogram"
LOAD = "pps_single_udp"  # the load most sensitive to a cost per packet
LINK = "rate 85mbit burst 64kb latency 20ms"  # 100 000 of its datagrams per second


@dataclass(frozen=True)
class Done:
    """Both campaigns: the commands' results and their folders."""

    home: Path
    first: "subprocess.CompletedProcess[str]"
    second: "subprocess.CompletedProcess[str]"

    @property
    def datasets(self) -> Dataset:
        return Dataset(self.home / "datasets")

    def run(self, which: str) -> Path:
        return next((self.home / which).iterdir())

    def type(self, *words: object) -> "subprocess.CompletedProcess[str]":
        return overhead(self.home, *words, "--datasets", self.home / "datasets")


def measured(home: Path, which: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return overhead(
        home, "run", "--config-dir", home / f"config-{which}", "--workloads", LOAD,
        "--window", 1, "--warmup", 0, "--attribution", 0, "--monitor-interval", 1,
        "--placebos", 0, "--seed", 1, "--max-load", 64,
        "--results-dir", home / which, "--datasets", home / "datasets",
        "--output-dir", home / "reports" / which, *words,
    )  # fmt: skip


def more_expensive_version(home: Path) -> None:
    """Writes a configuration whose histogram script also takes the other tool's stacks."""
    shutil.copytree(home / "config-first", home / "config-second")
    tools = shutil.copytree(TOOLS, home / "tools")
    folder = tools / "lab" / "packet-path"
    script = folder / f"{HISTOGRAM}.bt"
    _, _, stacks = (folder / f"{STACKS}.bt").read_text().partition("*/")
    script.write_text(script.read_text() + stacks)
    full = home / "config-second" / f"{NAME}-full.yaml"
    text = full.read_text()
    assert text.count(str(TOOLS)) == 1
    full.write_text(text.replace(str(TOOLS), str(tools)))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, shell: Shell) -> Iterator[Done]:
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    home = tmp_path_factory.mktemp("decisions")
    state = lifecycle.up(NAME)
    try:
        shell(state, "host-client", f"tc qdisc add dev uplink0 root tbf {LINK}")
        found = overhead(
            home, "bootstrap", "--minimal-input", state.minimal_input,
            "--output-dir", home / "config-first",
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
        first = measured(
            home, "first", "--tools", STACKS, "--against", HISTOGRAM,
            "--until-decided", "--max-iterations", "6",
        )  # fmt: skip
        more_expensive_version(home)
        second = measured(home, "second", "--tools", HISTOGRAM, "--iterations", "4")
    finally:
        lifecycle.down(NAME)
    yield Done(home, first, second)


def primary(done: Done, case: str) -> dict:
    effects = done.datasets.scan("effects").filter(run=done.run("first").name, primary=True)
    return effects.filter(case=case).collect().row(0, named=True)


def test_a_case_is_measured_only_until_it_is_decided(done: Done):
    workflow = json.loads((done.run("first") / NAME / "workflow.json").read_text())
    names = {case["id"]: case["name"] for case in workflow["cases"]}
    planned: dict[str, set[int]] = {}
    for slot in workflow["slots"]:
        planned.setdefault(names[slot["case_id"]], set()).add(slot["iteration"])
    last = max(planned[STACKS])
    assert last in ANALYSES[:2]  # its cost is large: decided at the first or second analysis
    assert planned[STACKS] == set(range(1, last + 1))
    cells = done.datasets.scan("cells").filter(run=done.run("first").name).collect()
    measured_in = cells.group_by("case").agg(pl.col("iteration").unique())
    assert {case: set(iterations) for case, iterations in measured_in.iter_rows()} == planned
    effect = primary(done, STACKS)
    assert (effect["verdict"], effect["n"]) == ("overhead", last)
    assert effect["stopped"] == f"decided after {last} iterations"
    other = primary(done, HISTOGRAM)
    assert other["n"] == max(planned[HISTOGRAM])
    if other["n"] < 6:
        assert other["stopped"] == f"decided after {other['n']} iterations"


def test_the_terminal_says_which_case_is_decided_and_why(done: Done):
    stopped = primary(done, STACKS)["stopped"]
    assert f"{NAME} · {STACKS}: {stopped}" in done.first.stdout


def test_the_more_expensive_of_two_versions_is_named_and_the_command_exits_3(done: Done):
    assert done.first.returncode == 3, done.first.stderr
    row = next(line for line in done.first.stdout.splitlines() if " worse" in line)
    assert re.search(rf"{STACKS} +{LOAD} +\+\d[\d.]* % +\[\+\d[\d.]*, \+\d[\d.]*\] +worse", row)
    assert f"{STACKS} {LOAD} datagrams_per_s" in done.first.stderr


def test_a_run_with_a_more_expensive_version_compares_as_worse(done: Done):
    assert done.second.returncode == 0, done.second.stderr
    compared = done.type("compare", done.run("first").name, done.run("second").name)
    assert compared.returncode == 3
    assert re.search(rf"{HISTOGRAM} +{LOAD} +\+.* worse ", compared.stdout)
    assert compared.stderr.count("\n") == 1
    assert f"{HISTOGRAM} {LOAD} datagrams_per_s" in compared.stderr


def test_the_reverse_comparison_is_better_and_exits_0(done: Done):
    compared = done.type("compare", done.run("second"), done.run("first"))
    assert compared.returncode == 0, compared.stderr
    assert re.search(rf"{HISTOGRAM} +{LOAD} +-.* better ", compared.stdout)


@pytest.mark.parametrize(("most", "code"), [(1, 3), (99.5, 0)])
def test_a_budget_is_enforced_by_the_exit_code(done: Done, most: float, code: int):
    budget = done.home / f"budget-{most:g}.yaml"
    limit = f"{{tool: {STACKS}, metric: datagrams_per_s, max: {most:g}}}"
    budget.write_text(f"name: of the test\nlimits:\n  - {limit}\n")
    ended = done.type(
        "analyze", "--iteration-path", done.run("first"), "--enforce", budget,
        "--output-dir", done.home / "reports" / "enforced", "--lang", "en",
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    if code:
        assert re.search(rf"{STACKS} {LOAD} .* is above the budget of {most:g}\n", ended.stderr)
    else:
        assert "within" in ended.stdout


def test_a_time_budget_gives_iterations_and_the_costs_that_get_a_verdict(done: Done):
    planned = done.type(
        "plan", "--config-dir", done.home / "config-first", "--tools", f"{STACKS},{HISTOGRAM}",
        "--workloads", LOAD, "--budget", "10m", "--output", done.home / "planned",
    )  # fmt: skip
    assert planned.returncode == 0, planned.stderr
    head = re.search(r"(\d+) iterations of .* fit into 10m; the costs that", planned.stdout)
    assert head
    row = next(line for line in planned.stdout.splitlines() if "datagrams_per_s" in line)
    assert re.search(rf"{head[1]} iterations decide a cost of .*[\d.e+-]+ %", row)
    assert "default" not in row, "the spread must be the measured one"
