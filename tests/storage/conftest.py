"""Small frames of the tables' schemas."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from tasks.storage.schema import TABLES, VERSION


@pytest.fixture
def run_tables() -> Callable[..., dict[str, pl.DataFrame]]:
    """`run_tables("lab", "007", cells=3)`: runs, cells and samples of one run."""

    def make(environment: str, run: str, cells: int = 2) -> dict[str, pl.DataFrame]:
        of_run = {"environment": environment, "run": run}
        of_cell = [of_run | _cell(position) for position in range(cells)]
        return {
            "runs": TABLES["runs"].frame(
                [of_run | {"source": "native", "schema_version": VERSION, "clock": "wall"}]
            ),
            "cells": TABLES["cells"].frame(
                [cell | {"kind": "baseline", "status": "passed"} for cell in of_cell]
            ),
            "samples": TABLES["samples"].frame(
                [
                    cell
                    | {
                        "metric": "throughput_bps",
                        "value": None if cell["position"] == 0 else 1e9,
                        "unit": "bit/s",
                        "node": "server",
                    }
                    for cell in of_cell
                ]
            ),
        }

    return make


def _cell(position: int) -> dict[str, Any]:
    return {
        "layer": "host",
        "iteration": 1,
        "position": position,
        "case": "baseline",
        "workload": "throughput_single_tcp",
        "attempt": 1,
    }
