"""Per-tool files in the published places."""

from dataclasses import fields, replace
from pathlib import Path

import polars as pl
import pytest

from tasks.reporting.bundle import Bundle
from tasks.reporting.overview import write_overviews

from .report_bundle import Campaign


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Campaign(environments=("lab-510-intel",), iterations=2).bundle()


def test_each_tool_and_iteration_has_its_overview_and_a_csv_for_each_topic(
    bundle: Bundle, tmp_path: Path
) -> None:
    paths = write_overviews(bundle, tmp_path)
    folder = tmp_path / "2026-11-20-lab-510-intel" / "iteration_002"
    names = {path.name for path in paths if path.parent == folder}
    assert {name for name in names if name.startswith("eth_drop")} == {
        "eth_drop_overview_iteration_002.md",
        "eth_drop_latency_iteration_002.csv",
        "eth_drop_throughput_iteration_002.csv",
        "eth_drop_pps_iteration_002.csv",
        "eth_drop_resources_iteration_002.csv",
    }
    assert {path.parent.name for path in paths} == {"iteration_001", "iteration_002"}


def test_a_value_stands_beside_the_baseline_of_its_own_iteration(
    bundle: Bundle, tmp_path: Path
) -> None:
    write_overviews(bundle, tmp_path)
    path = next(tmp_path.glob("*/iteration_001/eth_drop_throughput_*.csv"))
    rows = pl.read_csv(path)
    tcp = rows.filter(
        pl.col("case") == "eth_drop_rx_protocol_tcp", pl.col("workload") == "throughput_single_tcp"
    ).row(0, named=True)
    kinds = bundle.cells.select("iteration", "layer", "position", "workload", "kind")
    baseline = bundle.samples.join(
        kinds, on=["iteration", "layer", "position", "workload"]
    ).filter(
        pl.col("kind") == "baseline", pl.col("iteration") == 1, pl.col("layer") == "host",
        pl.col("workload") == "throughput_single_tcp", pl.col("metric") == "throughput_bps",
    )["value"].mean()  # fmt: skip
    assert tcp["baseline_mean"] == pytest.approx(baseline)
    assert tcp["cost_pct"] == pytest.approx((1 - tcp["value"] / tcp["baseline_mean"]) * 100)
    assert 32 < tcp["cost_pct"] < 40


def test_what_has_no_baseline_has_no_cost(bundle: Bundle, tmp_path: Path) -> None:
    write_overviews(bundle, tmp_path)
    path = next(tmp_path.glob("*/iteration_001/eth_drop_resources_*.csv"))
    assert pl.read_csv(path)["cost_pct"].is_null().all()
    text = path.with_name("eth_drop_overview_iteration_001.md").read_text("utf-8")
    assert "| — | — |" in text


def test_cells_that_did_not_pass_are_left_out(bundle: Bundle, tmp_path: Path) -> None:
    failed = pl.when(pl.col("tool") == "eth_drop").then(pl.lit("invalid"))
    cells = bundle.cells.with_columns(failed.otherwise(pl.col("status")).alias("status"))
    paths = write_overviews(replace(bundle, cells=cells), tmp_path)
    assert paths
    assert not [path for path in paths if path.name.startswith("eth_drop")]


def test_two_runs_of_one_environment_have_files_of_their_own(
    bundle: Bundle, tmp_path: Path
) -> None:
    again = {
        field.name: pl.concat([frame, frame.with_columns(pl.lit("night-2").alias("run"))])
        for field in fields(bundle)
        if isinstance(frame := getattr(bundle, field.name), pl.DataFrame)
    }
    write_overviews(bundle, tmp_path / "one")
    write_overviews(replace(bundle, **again), tmp_path / "both")
    (one,) = (tmp_path / "one").glob("*/iteration_001/eth_drop_throughput_*.csv")
    both = sorted((tmp_path / "both").glob("*/iteration_001/eth_drop_throughput_*.csv"))
    assert [path.parent.parent.name for path in both] == [
        "2026-11-20-lab-510-intel_night-1",
        "2026-11-20-lab-510-intel_night-2",
    ]
    assert [path.read_text() for path in both] == [one.read_text()] * 2
