"""Rows of older schema versions are converted to the current one."""

from pathlib import Path

import polars as pl
import pytest

from tasks.storage.dataset import Dataset
from tasks.storage.schema import EFFECTS, RUNS


@pytest.mark.parametrize(
    ("reason", "withheld_by"),
    [
        ("verdict withheld: 12 of 20 tools are faster (gain.many)", "gain.many"),
        (
            "verdict withheld: calibration.free_aa failed; the interval stands",
            "calibration.free_aa",
        ),
        ("verdict withheld: nobody knows", "unknown"),
        ("cost is within ±3 % (p = 0.001)", None),
        (None, None),
    ],
)
def test_the_checks_that_withhold_a_verdict_are_read_from_the_reason_of_older_effects(
    tmp_path: Path, reason: str | None, withheld_by: str | None
) -> None:
    effect = {
        "environment": "e", "run": "r", "layer": "host", "case": "c", "workload": "w",
        "metric": "throughput_bps", "kind": "tool", "unit": "%", "scale": "ratio", "primary": True,
        "n": 4, "verdict": "inconclusive", "reason": reason,
    }  # fmt: skip
    dataset = Dataset(tmp_path)
    dataset.replace("e", "r", {"effects": EFFECTS.frame([effect])})
    (file,) = dataset.files("effects")
    old = pl.read_parquet(file).drop("withheld_by")
    old.write_parquet(file, metadata={"ebpf-overhead-schema": "2"})
    (row,) = dataset.scan("effects").collect().to_dicts()
    assert (row["withheld_by"], row["reason"]) == (withheld_by, reason)


def test_runs_of_before_there_were_two_clocks_are_on_the_wall_clock(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    run = {"source": "native", "schema_version": 4, "clock": "wall"}
    dataset.replace("e", "r", {"runs": RUNS.frame([run | {"environment": "e", "run": "r"}])})
    (file,) = dataset.files("runs")
    pl.read_parquet(file).drop("clock").write_parquet(file, metadata={"ebpf-overhead-schema": "4"})
    assert dataset.scan("runs").collect()["clock"].to_list() == ["wall"]
