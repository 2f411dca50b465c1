"""The verb `plan`: an environment's files and a person's settings to the plan that is run."""

import random
from dataclasses import replace
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run

from .model.catalog import read_catalog
from .model.errors import InputError
from .model.full import FullConfig, find_config, read_full
from .model.plan import Case, Design, Plan
from .model.settings import Measurement, Selection
from .planning import workflow
from .planning.case_selection import matching_workloads, select
from .planning.cases import expand, placebo_case, read_cases
from .planning.schedule import duration_s, make_plan
from .planning.workloads import read_workloads

__all__ = ["duration_s", "make_plan_of", "plan_environment", "selected_cases", "write_workflow"]


MATCHING = "matching"
"""Among the workloads' names: of each case only those whose protocol its tool watches."""


def selected_cases(config_dir: Path, selection: Selection) -> tuple[FullConfig, tuple[Case, ...]]:
    """The environment of a `--config-dir`, and those of its cases that are wanted.

    Raises InputErrors.
    """
    full_path, cases_path = find_config(config_dir)
    full, catalog = read_full(full_path), read_catalog()
    cases = read_cases(cases_path, full, catalog) if cases_path else expand(full, catalog)
    chosen = select(
        cases,
        tools=selection.tools,
        layers=selection.layers,
        category=selection.category or "",
        protocol=selection.protocol or "",
        direction=selection.direction or "",
        case_ids=selection.case_ids,
    )
    return full, chosen


def make_plan_of(
    config_dir: Path,
    selection: Selection,
    measurement: Measurement,
    workflow_file: Path | None = None,
) -> Plan:
    """The whole plan of the environment in `config_dir`. Touches no host. Raises InputErrors.

    workflow_file: a plan that was written before, taken as it stands.
    """
    full, cases = selected_cases(config_dir, selection)
    if workflow_file is not None:
        plan = workflow.read(workflow_file)
        if plan.environment != full.environment:
            raise InputError(
                str(workflow_file), "environment", repr(plan.environment), repr(full.environment)
            )
        return plan
    names = [name for name in measurement.workloads if name != MATCHING]
    workloads = read_workloads(
        tuple(names or ["full"]),
        window_s=measurement.window_s,
        warmup_s=measurement.warmup_s,
        streams=measurement.streams,
        affinity=measurement.affinity,
    )
    if MATCHING in measurement.workloads:
        cases = tuple(replace(c, workloads=matching_workloads(c, workloads)) for c in cases)
    return make_plan(
        full.environment,
        cases,
        lambda layer: placebo_case(full, layer, 0),
        workloads,
        _design(measurement),
    )


def write_workflow(plan: Plan, path: Path) -> None:
    """The plan as a file that `--workflow` takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(workflow.dump(plan), encoding="utf-8")


def _named() -> str:
    return f"plan · {Path(task_run.parameters['config_dir']).name}"


@task(name="plan", task_run_name=_named, cache_policy=NO_CACHE)
def plan_environment(
    config_dir: Path,
    selection: Selection,
    measurement: Measurement,
    workflow_file: Path | None = None,
) -> Plan:
    """`make_plan_of` as a step of a flow."""
    return make_plan_of(config_dir, selection, measurement, workflow_file)


def _design(settings: Measurement) -> Design:
    return Design(
        seed=random.randrange(2**31) if settings.seed is None else settings.seed,
        iterations=settings.iterations,
        baseline_every=settings.baseline_every,
        placebos=settings.placebos,
        cooldown_s=settings.cooldown_s,
        monitor_interval_s=settings.monitor_interval_s,
        attribution_s=settings.attribution_s,
        attribution_rate=settings.attribution_rate,
        log_cap_mib=settings.log_cap_mib,
        max_load_1m=settings.max_load,
        until_decided=settings.until_decided,
        budget_s=None if settings.budget_h is None else settings.budget_h * 3600,
    )
