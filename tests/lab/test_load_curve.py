"""The load curve on the instruction clock: up to which rate a tool of known cost is safe."""

import json
from pathlib import Path

import polars as pl
import pytest

from tasks.lab import lifecycle
from tasks.reporting.bundle import Bundle
from tasks.reporting.kernel_cost import kernel_cost
from tasks.reporting.texts import Texts
from tasks.reporting.view import View
from tasks.statistics.margins import read_margins
from tasks.storage.dataset import Dataset

from .conftest import overhead

pytestmark = [pytest.mark.lab, pytest.mark.slow]

TOOL = "rx_stack_counts"


def test_a_tool_is_safe_up_to_the_rate_that_its_cost_leaves_and_the_placebo_at_all(
    tmp_path: Path,
) -> None:
    """Both hosts share one CPU. Where a packet takes 1/capacity without the tool and d more with
    it, the tool leaves 1/(1 + d·capacity) of the capacity.
    """
    state = lifecycle.up("swept", state_root=tmp_path / "labs", kernel="6.1", clock="instructions")
    try:
        config = tmp_path / "config"
        done = overhead(
            tmp_path, "bootstrap", "--minimal-input", state.minimal_input, "--output-dir", config
        )
        assert done.returncode == 0, done.stderr
        done = overhead(
            tmp_path, "run", "--config-dir", config, "--tools", TOOL, "--iterations", 2,
            "--window", 1, "--warmup", 0, "--workloads", "load_sweep", "--placebos", 1,
            "--attribution", 1, "--attribution-rate", "2M", "--results-dir", tmp_path / "results",
            "--datasets", tmp_path / "datasets", "--output-dir", tmp_path / "reports",
            "--lang", "en", timeout_s=3000,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    finally:
        lifecycle.down("swept", state_root=tmp_path / "labs")
    (found,) = (tmp_path / "results").rglob("capacity.json")
    capacity = json.loads(found.read_text())["host"]
    dataset = Dataset(tmp_path / "datasets")
    keys = dataset.scan("runs").select("environment", "run").collect().rows()
    view = View(Bundle.read(dataset, keys, read_margins()), Texts("en"))
    curves = {curve.kind: curve for curve in view.load_curves}
    assert curves["placebo"].too_much_pps is None, "nothing attached costs nothing at any rate"
    programs = kernel_cost(dataset.scan("bpf_programs").collect(), ("tool",))
    added_s = programs.filter(pl.col("tool") == TOOL)["ns_per_packet"][0] * 1e-9
    left_pps = capacity / (1 + added_s * capacity)
    tool = curves["tool"]
    assert tool.safe_pps is not None and tool.too_much_pps is not None
    assert tool.safe_pps < left_pps * 1.05, "its probe's dispatch comes on top"
    assert tool.too_much_pps > left_pps * 0.6
