"""The flow `comparison`: compares two runs, from results trees or from the datasets."""

from pathlib import Path

from prefect import flow

from tasks.analyze import analyze_runs
from tasks.compare import Comparison, compare_tools, compare_two, runs_of
from tasks.ingest import ingest_tree


@flow(name="comparison", flow_run_name="comparison · {a} · {b}", validate_parameters=False)
async def comparison(a: str, b: str, datasets: str, margins: Path | None = None) -> Comparison:
    """`a` and `b` are results folders, which are ingested first, or runs in the datasets."""
    keys = []
    for one in (a, b):
        if Path(one).is_dir():
            found = [ingested.key for ingested in ingest_tree(Path(one), datasets)]
            analyze_runs(datasets, found, margins)
            keys.append(found)
        else:
            keys.append(runs_of(datasets, one))
    return compare_two(datasets, keys[0], keys[1], margins)


@flow(name="versions", flow_run_name="versions · {new} · {old}", validate_parameters=False)
async def versions(
    run: str, new: str, old: str, datasets: str, margins: Path | None = None
) -> Comparison:
    """Two versions of a tool that the run `run` measured side by side."""
    return compare_tools(datasets, runs_of(datasets, run), new, old, margins)
