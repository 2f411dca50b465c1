"""Does the time of the checks grow linearly? Generated case runs, each size in its own process.

    python tests/benchmarks/bench_quality.py [10000 100000 1000000]

Prints, for each size, seconds of the rules and of Great Expectations, seconds a million case runs,
and the peak memory of the whole process, the generated tables among it.
"""

import resource
import subprocess
import sys
import time
from datetime import UTC, datetime

import numpy as np
import polars as pl

from tasks.model.metrics import METRICS
from tasks.quality.checks import run_rules
from tasks.quality.expectations import run_checkpoint
from tasks.storage.schema import TABLES, Table

CELLS_A_RUN = 10_000  # cells of one run: a night of four environments
SLOTS = 125  # slots of an iteration; every fifth is a baseline
VALUES = {"throughput_bps": 8e9, "server_cpu_pct": 140.0, "client_cpu_pct": 90.0, "retransmits": 3}


def generated(n: int) -> dict[str, pl.DataFrame]:
    """All eight tables with `n` cells, four samples each, and an effect for each tool and run."""
    i = np.arange(n)
    within = i % CELLS_A_RUN
    baseline = within % 5 == 0
    case = np.where(baseline, "baseline", np.char.add("tool_", (within % SLOTS).astype(str)))
    cells = pl.DataFrame(
        {
            "environment": "generated",
            "run": np.char.add("night-", (i // CELLS_A_RUN).astype(str)),
            "layer": "host",
            "iteration": within // SLOTS + 1,
            "position": within % SLOTS,
            "case": case,
            "workload": "throughput_single_tcp",
            "attempt": 1,
            "kind": np.where(baseline, "baseline", "tool"),
            "tool": np.where(baseline, "", case),
            "status": "passed",
            "window_s": 10.0,
        }
    ).with_columns(started=pl.lit(datetime(2026, 11, 22, tzinfo=UTC)))
    noise = np.random.default_rng(1).normal(1.0, 0.01, size=n)
    names = [column for column in TABLES["samples"].schema if column in cells.columns]
    samples = pl.concat(
        cells.select(names).with_columns(
            metric=pl.lit(name), value=level * noise, unit=pl.lit(METRICS[name].unit)
        )
        for name, level in VALUES.items()
    )
    effects = (
        cells.filter(kind="tool")
        .unique(["run", "case"])
        .with_columns(
            metric=pl.lit("throughput_bps"), unit=pl.lit("%"), scale=pl.lit("ratio"),
            primary=True, n=4, estimate=2.0, ci_low=1.0, ci_high=3.0,
            verdict=pl.lit("overhead_unresolved"),
        )
    )  # fmt: skip
    made = {"cells": cells, "samples": samples, "effects": effects}
    return {name: _of_schema(TABLES[name], frame) for name, frame in made.items()}


def _of_schema(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    kept = frame.select(column for column in table.schema if column in frame.columns)
    return pl.concat([table.frame(), kept.cast({c: table.schema[c] for c in kept.columns})],
                     how="diagonal")  # fmt: skip


def measure(n: int) -> None:
    tables = generated(n)
    start = time.perf_counter()
    found = run_rules(tables)
    middle = time.perf_counter()
    found = pl.concat([found, run_checkpoint(tables)])
    end = time.perf_counter()
    assert found.height and set(found["status"]) == {"passed"}, found.filter(status="failed")
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    per_million = (end - start) / n * 1e6
    print(
        f"{n:>9} case runs: rules {middle - start:6.2f} s, expectations {end - middle:6.2f} s, "
        f"{per_million:7.1f} s a million, peak {peak_gib:.2f} GiB",
        flush=True,
    )


if __name__ == "__main__":
    sizes = [int(size) for size in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    if len(sizes) == 1:
        measure(sizes[0])
    else:
        for size in sizes:
            subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_quality", str(size)],
                           check=True)  # fmt: skip
