"""The task `compare`: two runs, or two versions of a tool that one run measured side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .model.clock_kind import Clock
from .model.errors import InputError, one_of
from .model.names import RunKey
from .statistics.contrasts import compare_runs, compare_versions, match_versions
from .statistics.decision_rules import rules_of
from .statistics.differences import cell_values, differences
from .statistics.margins import read_margins
from .storage.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences (B minus A, positive: B costs more), a line for each proven increase, what
    the hosts' clocks count."""

    table: pl.DataFrame
    worse: tuple[str, ...]
    clock: Clock


def compare_two(
    datasets: str, a: Sequence[RunKey], b: Sequence[RunKey], margins: Path | None = None
) -> Comparison:
    """Effects of the runs `b` minus those of the runs `a`.

    The stricter of both runs' decision rules applies, so that either order gives the same answer.
    Raises InputError if the runs' clocks differ.
    """
    dataset = Dataset(datasets)
    clock = _one_clock(dataset, a, b)
    effects_a, effects_b = (dataset.rows("effects", keys) for keys in (a, b))
    rules = rules_of(dataset.rows("runs", [*a, *b]))
    return _comparison(compare_runs(effects_a, effects_b, read_margins(margins), rules), clock)


def compare_tools(
    datasets: str, keys: Sequence[RunKey], new: str, old: str, margins: Path | None = None
) -> Comparison:
    """Tool `new` minus tool `old`, paired iteration by iteration.

    Raises InputError if no case of `new` has the same parameters as a case of `old`.
    """
    dataset = Dataset(datasets)
    cells, samples, runs = (dataset.rows(table, keys) for table in ("cells", "samples", "runs"))
    pairs = match_versions(cells, new, old)
    if not pairs:
        raise InputError("--against", old, f"has no case that matches {new}", "equal parameters")
    diffs = differences(cell_values(cells, samples))
    table = compare_versions(cells, diffs, pairs, read_margins(margins), rules_of(runs))
    return _comparison(table, _one_clock(dataset, keys, keys))


def _one_clock(dataset: Dataset, a: Sequence[RunKey], b: Sequence[RunKey]) -> Clock:
    """The clock of all these runs. Raises InputError if there are two: instructions and time are
    different quantities, and their difference is none of a tool's."""
    clocks = [set(dataset.rows("runs", keys)["clock"]) for keys in (a, b)]
    if clocks[0] != clocks[1]:
        names = {"wall": "by the wall clock", "instructions": "by instruction count"}
        said = [" and ".join(names[clock] for clock in sorted(side)) for side in clocks]
        problem = f"was measured {said[1]}, {a[0][1]} {said[0]}"
        raise InputError("compare", b[0][1], problem, "two runs on one clock")
    return Clock(min(clocks[0]))


def _comparison(table: pl.DataFrame, clock: Clock) -> Comparison:
    worse = table.filter(pl.col("verdict") == "worse", pl.col("primary"))
    estimate = pl.col("estimate").round(2)
    line = pl.format("{} {} {}: {} {}", "case", "workload", "metric", estimate, "unit")
    return Comparison(table, tuple(worse.select(line).to_series()), clock)


def runs_of(datasets: str, run: str) -> list[RunKey]:
    """The keys of a run in the datasets. Raises InputError, which lists the latest runs there."""
    runs = Dataset(datasets).scan("runs").select("environment", "run").collect()
    keys = [key for key in runs.iter_rows() if key[1] == run]
    if not keys:
        stored = one_of(sorted(set(runs["run"]))[-5:], run) or "an ingested run (there is none yet)"
        raise InputError(datasets, run, "no such run", f"a results folder, or {stored}")
    return keys
