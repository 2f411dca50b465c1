"""Prediction on the instruction clock: what a tool adds to a packet is the sum of its parts, and a
line through two rates tells the others."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.lab import lifecycle
from tasks.predict import predict_tool
from tasks.reporting.bundle import Bundle
from tasks.reporting.texts import Texts
from tasks.reporting.view import View
from tasks.statistics.margins import read_margins
from tasks.statistics.prediction import held_out
from tasks.storage.dataset import Dataset

from .conftest import input_with_tools, overhead

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAME = "predicted"
TOOL = "padded"
PADDED = "exec bpftrace -e 'kprobe:ip_rcv { unroll(20) { @packets += 1; } }'\n"
"""The probe of `empty_kprobe`, with so many updates of a map in it."""


@dataclass(frozen=True)
class Measured:
    datasets: str
    view: View


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    home: Path = tmp_path_factory.mktemp("predicted")
    labs = home / "labs"
    state = lifecycle.up(NAME, state_root=labs, kernel="6.1", clock="instructions")
    try:
        given = input_with_tools(home, state, {TOOL: PADDED}, probe="kprobe")
        config, datasets = home / "config", home / "datasets"
        done = overhead(home, "bootstrap", "--minimal-input", given, "--output-dir", config)
        assert done.returncode == 0, done.stderr
        done = overhead(
            home, "run", "--config-dir", config, "--catalog", f"empty-probes,{home}/catalog.yaml",
            "--tools", f"empty_kprobe,{TOOL}", "--iterations", 2, "--window", 2, "--warmup", 0,
            "--workloads", "load_sweep", "--placebos", 1, "--attribution", 1,
            "--attribution-rate", "2M", "--results-dir", home / "results",
            "--datasets", datasets, "--output-dir", home / "reports", "--lang", "en",
            timeout_s=3000,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    finally:
        lifecycle.down(NAME, state_root=labs)
    dataset = Dataset(datasets)
    keys = dataset.scan("runs").select("environment", "run").collect().rows()
    return Measured(str(datasets), View(Bundle.read(dataset, keys, read_margins()), Texts("en")))


def test_an_empty_kprobe_costs_a_few_hundred_instructions(measured: Measured) -> None:
    probes, _ = measured.view.cost_parts
    (empty,) = [one for one in probes if one.counted_ns is not None]
    assert empty.probe == "kprobe"
    assert empty.ns.low < 2000 and empty.ns.high > 300, "two ns an instruction"


def test_the_measured_cost_of_a_packet_is_the_sum_of_its_parts(measured: Measured) -> None:
    (curve,) = [one for one in measured.view.load_curves if one.tool == TOOL]
    parts = measured.view.cost_parts[1][curve.place]
    slope, added = curve.slope_ns, parts.all
    assert slope is not None and added is not None
    assert slope.low > 2000, "twenty updates are no empty probe"
    assert added.low < slope.high and slope.low < added.high
    assert added.estimate == pytest.approx(slope.estimate, rel=0.3)


def test_lines_through_two_rates_tell_the_others(measured: Measured) -> None:
    tested = held_out(measured.view.load_curves)
    assert len(tested) >= 4
    assert sum(point.inside for point in tested) >= 0.8 * len(tested)


def test_a_rate_that_nobody_ran_has_a_cost_and_a_higher_one_is_extrapolated(
    measured: Measured,
) -> None:
    (curve,) = [one for one in measured.view.load_curves if one.tool == TOOL]
    assert curve.cpu is not None and curve.slope_ns is not None
    between = (curve.cpu.first + curve.cpu.last) / 2
    (found,) = predict_tool(measured.datasets, TOOL, between)
    assert not found.extrapolates
    assert found.cpu.estimate == pytest.approx(curve.slope_ns.estimate * between / 1e7, rel=0.3)
    (beyond,) = predict_tool(measured.datasets, TOOL, 10 * curve.cpu.last)
    assert beyond.extrapolates
