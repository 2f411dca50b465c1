"""Starting and stopping on a real lab: a tool whose start is known in time, CPU and memory."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from tasks.lab import lifecycle
from tasks.storage.dataset import Dataset

from .conftest import input_with_tools, overhead

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAME = "starts"
WAITS_S, BURNS_S, TAKES_MIB = 1.0, 0.5, 96
PROBE = "exec bpftrace -e 'tracepoint:net:netif_receive_skb { @ = count(); }'"
KNOWN = f"""#!/bin/sh
# Takes memory, CPU and time before it attaches; the memory is kept until it ends.
python3 -c '
import time
kept = bytearray({TAKES_MIB} * 2**20)
while time.process_time() < {BURNS_S}: pass
print(flush=True)
time.sleep(3600)
' &
sleep {WAITS_S + BURNS_S}
{PROBE}
"""
TOO_SLOW = f"#!/bin/sh\nsleep 60\n{PROBE}\n"


@dataclass(frozen=True)
class Measured:
    datasets: Dataset
    page: str


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    home: Path = tmp_path_factory.mktemp("starts")
    state = lifecycle.up(NAME)
    try:
        given = input_with_tools(home, state, {"known": KNOWN, "too_slow": TOO_SLOW})
        done = overhead(
            home, "bootstrap", "--minimal-input", given, "--output-dir", home / "config"
        )
        assert done.returncode == 0, done.stderr
        done = overhead(
            home, "run", "--config-dir", home / "config", "--iterations", 2, "--window", 20,
            "--workloads", "start_stop", "--placebos", 1, "--max-load", 64,
            "--results-dir", home / "results", "--datasets", home / "datasets",
            "--output-dir", home / "reports", "--lang", "en",
        )  # fmt: skip
        assert done.returncode == 1, done.stderr  # the cells of the slow one do not count
    finally:
        lifecycle.down(NAME)
    (page,) = (home / "reports").rglob("report.en.md")
    yield Measured(Dataset(home / "datasets"), page.read_text())


def values(measured: Measured, case: str) -> dict[str, list[float]]:
    """Metric -> its value in each cell of the case."""
    samples = measured.datasets.scan("samples").filter(case=case).collect()
    return {
        str(metric): group["value"].to_list()
        for (metric,), group in samples.drop_nulls("value").group_by("metric")
    }


def test_a_start_takes_what_it_is_known_to_take(measured: Measured) -> None:
    found = values(measured, "known")
    assert all(WAITS_S + BURNS_S < s < WAITS_S + BURNS_S + 3 for s in found["tool_ready_s"])
    assert all(BURNS_S < s < BURNS_S + 1 for s in found["tool_start_cpu_s"])
    assert all(TAKES_MIB < mib < TAKES_MIB + 250 for mib in found["tool_start_rss_mib"])
    assert all(mib > 0 for mib in found["tool_maps_mib"])


def test_a_placebo_starts_alike_and_takes_next_to_nothing(measured: Measured) -> None:
    found = values(measured, "placebo_1")
    assert all(s < 1 for s in found["tool_ready_s"])
    assert all(s < 0.1 for s in found["tool_start_cpu_s"])
    assert found["tool_maps_mib"] == [0.0] * len(found["tool_maps_mib"])


def test_each_window_has_several_starts_and_the_traffic_is_watched_in_all_arms(
    measured: Measured,
) -> None:
    cells = measured.datasets.scan("cells").filter(pl.col("case") != "too_slow").collect()
    assert set(cells["status"]) == {"passed"}, cells.select("case", "reason").rows()
    samples = measured.datasets.scan("samples").collect()
    starts = samples.filter(metric="tool_ready_s").group_by("case").agg(pl.col("n").sum())
    assert dict(starts.rows()) == {"known": 10, "placebo_1": 10}
    watched = set(samples.filter(metric="gap_max_us")["case"])
    assert watched == {"baseline", "known", "placebo_1"}


def test_a_tool_that_does_not_attach_in_the_window_has_no_value_but_a_reason(
    measured: Measured,
) -> None:
    cells = measured.datasets.scan("cells").filter(case="too_slow").collect()
    assert set(cells["status"]) == {"invalid"}
    assert all("not attached within the 20 s of the window" in text for text in cells["reason"])
    assert values(measured, "too_slow") == {}


def test_the_report_has_a_row_for_each(measured: Measured) -> None:
    section = measured.page.partition("Starting and stopping")[2]
    assert "| known | host | 10 |" in section and "| placebo_1 | host | 10 |" in section
