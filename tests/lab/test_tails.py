"""Tails on a real lab: a stall of known length and period comes out in the scheduled round trips,
alone and beside a load."""

import os

import polars as pl
import pytest

from tasks.lab import lifecycle
from tasks.storage.dataset import Dataset

from .conftest import input_with_tools, overhead

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAME = "tails"
STALL_MS, EVERY_MS = 20, 200
"""Of all requests 10 % fall into a stall, and 1 % wait at least nine tenths of it."""

SCRIPT = f"""#!/bin/sh
# Counts packets, and keeps every CPU of the machine from all else for {STALL_MS} ms at a time.
bpftrace -e 'tracepoint:net:netif_receive_skb {{ @ = count(); }}' &
for cpu in $(seq 0 $(($(nproc) - 1))); do
    taskset -c "$cpu" chrt -f 50 python3 -c '
import time
while True:
    start = time.monotonic()
    begin = start - start % {EVERY_MS / 1000} + {EVERY_MS / 1000}
    time.sleep(begin - start)
    while time.monotonic() < begin + {STALL_MS / 1000}: pass
' &
done
wait
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    home = tmp_path_factory.mktemp("tails")
    state = lifecycle.up(NAME)
    try:
        given = input_with_tools(home, state, {"stalls": SCRIPT})
        done = overhead(
            home, "bootstrap", "--minimal-input", given, "--output-dir", home / "config"
        )
        assert done.returncode == 0, done.stderr
        done = overhead(
            home, "run", "--config-dir", home / "config", "--iterations", 2, "--window", 6,
            "--workloads", "tail_udp,tail_udp_load_10", "--placebos", 1, "--attribution", 0,
            "--max-load", 64, "--results-dir", home / "results", "--datasets", home / "datasets",
            "--output-dir", home / "reports",
        )  # fmt: skip
        assert done.returncode in (0, 3), done.stderr
    finally:
        lifecycle.down(NAME)
    return Dataset(home / "datasets")


def values(measured: Dataset, metric: str) -> pl.DataFrame:
    """kind, workload, and all values of the metric."""
    keys = ["iteration", "position", "workload", "attempt"]
    cells = measured.scan("cells").filter(status="passed").select(*keys, "kind")
    samples = measured.scan("samples").filter(metric=metric).join(cells, on=keys).collect()
    return samples.group_by("kind", "workload").agg("value").sort("kind", "workload")


def test_one_request_in_a_hundred_waits_nine_tenths_of_the_stall(measured: Dataset) -> None:
    p99 = values(measured, "latency_p99_us")
    rows = {(kind, workload): found for kind, workload, found in p99.rows()}
    for workload in ("tail_udp", "tail_udp_load_10"):
        with_tool = rows["tool", workload]
        assert with_tool == pytest.approx([0.9 * STALL_MS * 1000] * len(with_tool), rel=0.4)
        assert max(with_tool) > 2 * max(rows["baseline", workload])


def test_the_load_beside_the_requests_is_the_same_in_every_arm(measured: Dataset) -> None:
    rows = {
        kind: found
        for kind, workload, found in values(measured, "packets_per_s").rows()
        if workload == "tail_udp_load_10"
    }
    assert set(rows) == {"baseline", "placebo", "tool"}
    baseline = sum(rows["baseline"]) / len(rows["baseline"])
    for found in rows.values():
        assert found == pytest.approx([baseline] * len(found), rel=0.1)
    alone = {
        kind: found
        for kind, workload, found in values(measured, "packets_per_s").rows()
        if workload == "tail_udp"
    }
    assert baseline > 1.5 * max(alone["baseline"])
