"""The verb `compare`: two runs, or two versions of a tool that one run measured side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from .model.errors import InputError
from .model.names import MARGINS_FILE, RunKey
from .statistics.contrasts import compare_runs, compare_versions, match_versions
from .statistics.decision_rules import rules_of
from .statistics.differences import cell_values, differences
from .statistics.margins import read_margins
from .storage.dataset import Dataset

WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Compared:
    """The differences (B less A, positive: B costs more), and those that are proven worse."""

    table: pl.DataFrame
    worse: tuple[str, ...]


@task(name="compare", task_run_name="compare · {a} · {b}", cache_policy=NO_CACHE)
def compare_two(
    datasets: str, a: Sequence[RunKey], b: Sequence[RunKey],
    margins: Path = MARGINS_FILE,
) -> Compared:  # fmt: skip
    """Effects of the (environment, run) of `b` less those of `a`.

    Judged by the stricter of both runs' rules, so that either order gives the same answer.
    """
    dataset = Dataset(datasets)
    effects = [dataset.rows("effects", keys) for keys in (a, b)]
    rules = rules_of(dataset.rows("runs", [*a, *b]))
    return _compared(compare_runs(effects[0], effects[1], read_margins(margins), rules))


@task(name="compare versions", task_run_name="compare · {new} · {old}", cache_policy=NO_CACHE)
def compare_tools(
    datasets: str, keys: Sequence[RunKey], new: str, old: str,
    margins: Path = MARGINS_FILE,
) -> Compared:  # fmt: skip
    """Tool `new` against tool `old`, paired iteration by iteration. Raises InputError where the
    runs hold no two cases of them with equal parameters."""
    dataset = Dataset(datasets)
    cells, samples = (dataset.rows(table, keys) for table in ("cells", "samples"))
    pairs = match_versions(cells, new, old)
    if not pairs:
        raise InputError("--against", old, f"no case of it matches one of {new}", "both measured")
    diffs = differences(cell_values(cells, samples))
    rules = rules_of(dataset.rows("runs", keys))
    return _compared(compare_versions(cells, diffs, pairs, read_margins(margins), rules))


def _compared(table: pl.DataFrame) -> Compared:
    worse = table.filter(pl.col("verdict") == WORSE, pl.col("primary"))
    lines = worse.select(
        pl.format("{} {} {}: {} {}", "case", "workload", "metric",
                  pl.col("estimate").round(2), "unit")
    ).to_series()  # fmt: skip
    return Compared(table, tuple(lines))


def runs_of(datasets: str, run: str) -> list[RunKey]:
    """(environment, run) of a run in the datasets. Raises InputError with those there are."""
    found = Dataset(datasets).scan("runs").select("environment", "run").collect()
    keys = [key for key in found.iter_rows() if key[1] == run]
    if not keys:
        there = ", ".join(sorted(set(found["run"]))[-5:]) or "none yet"
        raise InputError(datasets, run, "no such run", f"a results folder, or one of {there}")
    return keys
