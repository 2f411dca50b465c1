"""One campaign over all tools for a lab in a machine, host and VM layers: they attach and count.

An emulated machine publishes no cost from this: windows are short, and there is one iteration.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from tasks.lab import lifecycle
from tasks.lab.minimal_input import MACHINE_CATALOG
from tasks.model.catalog import read_catalog
from tasks.storage.dataset import Dataset

from .conftest import overhead

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAME = "all-tools"
CATEGORIES = read_catalog(MACHINE_CATALOG).categories
TOOLS = {Path(tool.script).stem for content in CATEGORIES.values() for tool in content.tools}


@dataclass(frozen=True)
class Campaign:
    """A finished run of every tool."""

    folder: Path
    output: str

    @property
    def datasets(self) -> Dataset:
        return Dataset(self.folder / "datasets")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    folder = tmp_path_factory.mktemp("campaign")
    state = lifecycle.up(NAME, ("host", "vm"), "ovs", kernel="6.1")
    try:
        config = folder / "config"
        minimal = state.minimal_input
        found = overhead(folder, "bootstrap", "--minimal-input", minimal, "--output-dir", config)
        assert found.returncode == 0, found.stderr
        ran = overhead(
            folder, "run", "--config-dir", config, "--tools", ",".join(sorted(TOOLS)),
            "--iterations", 1, "--window", 2, "--warmup", 0, "--workloads", "latency_tcp_rr",
            "--baseline-every", 12, "--placebos", 1, "--seed", 1, "--max-load", 64,
            "--attribution", 2, "--attribution-rate", "1M", "--monitor-interval", 1,
            "--results-dir", folder / "results", "--datasets", folder / "datasets",
            "--output-dir", folder / "reports", timeout_s=3600,
        )  # fmt: skip
        assert ran.returncode in (0, 1), ran.stderr
        yield Campaign(folder, ran.stdout)
    finally:
        lifecycle.down(NAME)


def test_every_tool_of_the_eight_categories_attaches_and_stays(campaign: Campaign) -> None:
    """What other load does to a cell's window here is not the tool's."""
    cells = campaign.datasets.scan("cells").collect().filter(kind="tool")
    assert len(CATEGORIES) == 8
    assert set(cells["tool"]) == TOOLS, campaign.output
    of_tools = cells.filter(pl.col("gate").is_in(["tool_alive", "probes_attached", "clean_after"]))
    assert of_tools.select("tool", "reason").rows() == []


def test_most_cells_count_in_both_layers(campaign: Campaign) -> None:
    cells = campaign.datasets.scan("cells").collect()
    passed = cells.filter(status="passed")
    assert passed.height >= 0.7 * cells.height
    for layer in ("host", "vm"):
        assert {"baseline", "tool"} <= set(passed.filter(layer=layer)["kind"]), layer


def test_the_kernel_has_counted_the_programs_of_every_tool(campaign: Campaign) -> None:
    programs = campaign.datasets.scan("bpf_programs").collect()
    assert set(programs["tool"]) == TOOLS


def test_every_tool_is_in_the_report(campaign: Campaign) -> None:
    (report,) = (campaign.folder / "reports").rglob("report.en.html")
    text = report.read_text()
    assert [tool for tool in sorted(TOOLS) if tool not in text] == []


def test_the_hosts_have_what_the_published_tools_look_at(campaign: Campaign) -> None:
    run = campaign.datasets.scan("runs").collect().row(0, named=True)
    facts = json.loads(run["facts"])["host-server"]
    assert facts["kernel"].startswith("6.1.")
