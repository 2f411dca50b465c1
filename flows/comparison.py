"""Compares two runs, from results trees or from the datasets. It is read from a shell only, so it
calls the tasks' functions without Prefect and starts no server."""

from pathlib import Path

from tasks.analyze import analyze_runs
from tasks.compare import Comparison, compare_tools, compare_two, runs_of
from tasks.ingest import ingest_tree
from tasks.model.names import RunKey


def comparison(a: str, b: str, datasets: str, margins: Path | None = None) -> Comparison:
    """`a` and `b` are results folders, which are ingested first, or runs in the datasets."""

    def keys_of(one: str) -> list[RunKey]:
        if not Path(one).is_dir():
            return runs_of(datasets, one)
        found = [ingested.key for ingested in ingest_tree.fn(Path(one), datasets)]
        analyze_runs.fn(datasets, found, margins)
        return found

    return compare_two(datasets, keys_of(a), keys_of(b), margins)


def versions(
    run: str, new: str, old: str, datasets: str, margins: Path | None = None
) -> Comparison:
    """Two versions of a tool that the run `run` measured side by side."""
    return compare_tools(datasets, runs_of(datasets, run), new, old, margins)
