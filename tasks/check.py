"""The task `check`: rules and expectations over runs; blocking findings withhold verdicts."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from .model.errors import InputError
from .model.names import ROOT, RunKey
from .quality.checks import run_expectations, run_rules, withheld
from .quality.published_figures import check_reference
from .statistics.verdicts import withhold
from .storage.dataset import Dataset
from .storage.schema import EFFECTS, TABLES


@task(name="check", task_run_name="check · {datasets}", cache_policy=NO_CACHE)
def check_runs(datasets: str, keys: Sequence[RunKey]) -> None:
    """Adds the findings to `checks` and withholds the verdicts that a blocking finding concerns."""
    dataset = Dataset(datasets)
    for key in keys:
        tables = {name: dataset.rows(name, [key]) for name in TABLES}
        calibration = tables.pop("checks")
        # Great Expectations takes 260 MB, which a process of its own gives back when it ends
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            expected = process.submit(run_expectations, tables).result()
        findings = pl.concat([run_rules(tables), expected])
        effects = _without_verdicts(tables["effects"], withheld(findings, tables["effects"]))
        checks = pl.concat([calibration, findings])
        dataset.replace(*key, {"effects": effects, "checks": checks})


def _without_verdicts(effects: pl.DataFrame, blocked: pl.DataFrame) -> pl.DataFrame:
    """Effects that a blocking finding concerns keep their interval and lose their verdict."""
    why = pl.struct(
        en=pl.format("{} ({})", "message", "rule_id"),
        zh=pl.format("{}（{}）", pl.coalesce("message_zh", "message"), "rule_id"),
    )
    reasons = blocked.select(*EFFECTS.key, "rule_id", why=why)
    joined = effects.join(reasons, on=EFFECTS.key, how="left", maintain_order="left")
    return withhold(joined, pl.col("rule_id"), pl.col("why")).select(effects.columns)


def findings_of(datasets: str, run: str) -> pl.DataFrame:
    """The failed checks and errors of a run. Raises InputError for a run not in the datasets."""
    dataset = Dataset(datasets)
    if dataset.scan("runs").filter(run=run).collect().is_empty():
        raise InputError(datasets, run, "no such run", "one that was ingested")
    not_passed = pl.col("status") != "passed"
    return dataset.scan("checks").filter(pl.col("run") == run, not_passed).collect()


def reference_findings() -> pl.DataFrame:
    """The data-quality findings of the published figures."""
    return check_reference(ROOT / "datasets" / "reference")
