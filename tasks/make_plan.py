"""The task `plan`: from an environment's files and the user's settings to the plan that is run."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run

from .discovery.full_yaml import tools_of
from .model.catalog import read_catalog, read_catalogs
from .model.errors import InputError, raise_all
from .model.full import FullConfig, Tools, environment_of, find_config, read_full
from .model.plan import Case, Plan
from .model.settings import Measurement, Selection
from .planning.case_selection import matching_workloads, select
from .planning.cases import expand, mismatch, placebo_case, read_cases, write_cases
from .planning.schedule import duration_s, make_plan
from .planning.workloads import absent_cpus, absent_loads, read_workloads
from .storage import workflow
from .storage.workflow import write as write_plan

__all__ = [
    "cases_mismatch",
    "duration_s",
    "make_plan_of",
    "plan_environment",
    "regenerate_cases",
    "selected_cases",
    "write_plan",
]


MATCHING = "matching"
"""Among workload names: each case runs only the workloads whose protocol its tool watches."""


def selected_cases(config_dir: Path, selection: Selection) -> tuple[FullConfig, tuple[Case, ...]]:
    """The environment in `config_dir`, and its selected cases. Raises InputErrors."""
    full_path, cases_path = find_config(config_dir)
    full = read_full(full_path)
    if selection.catalog:
        full, cases = _with_tools_of(full, selection.catalog)
        return full, select(cases, selection)
    catalog = read_catalog()
    cases = read_cases(cases_path, full, catalog) if cases_path else expand(full, catalog)
    return full, select(cases, selection)


def _with_tools_of(full: FullConfig, named: Sequence[str]) -> tuple[FullConfig, tuple[Case, ...]]:
    """The environment with the tools of other catalogues, and its cases. Raises InputErrors."""
    catalog = read_catalogs(named)
    archs = {
        layer: full.facts[pair.tool_host.name].arch
        for layer, pair in environment_of(full).pairs.items()
        if pair.tool_host.name in full.facts
    }
    tools = tools_of(catalog, archs, directory=full.paths.measurement_tools_dir)
    full = full.model_copy(update={"tools": Tools.model_validate(tools)})
    return full, expand(full, catalog)


def regenerate_cases(full_path: Path, output: Path | None) -> tuple[Path, tuple[Case, ...]]:
    """Writes the cases of a full.yaml that a person corrected; touches no host.

    output: default: the cases.json beside it. A file there that differs is kept as `….json.old`.
    Raises InputErrors for mistakes in the full.yaml.
    """
    full = read_full(full_path)
    cases = expand(full, read_catalog())
    path = output or full_path.with_name(f"{full.environment}-cases.json")
    if not path.parent.is_dir():
        raise InputError("--output", str(path), "its folder does not exist", "a file to write")
    before = path.read_bytes() if path.is_file() else None
    write_cases(path, full, cases)
    if before is not None and before != path.read_bytes():
        path.with_name(f"{path.name}.old").write_bytes(before)
    return path, cases


def cases_mismatch(config_dir: Path) -> str:
    """One sentence if the folder's cases.json no longer matches its full.yaml, else ""."""
    full_path, cases_path = find_config(config_dir)
    if cases_path is None:
        return ""
    full, catalog = read_full(full_path), read_catalog()
    found = mismatch(expand(full, catalog), read_cases(cases_path, full, catalog))
    if not found:
        return ""
    return (
        f"{cases_path.name} is used; it does not match {full_path.name}: {found}. "
        f"`ebpf-overhead cases --config {full_path}` writes it again"
    )


def make_plan_of(
    config_dir: Path,
    selection: Selection,
    measurement: Measurement,
    workflow_file: Path | None = None,
) -> Plan:
    """The whole plan of the environment in `config_dir`. Touches no host. Raises InputErrors.

    workflow_file: a plan that was written before, used unchanged.
    """
    full, cases = selected_cases(config_dir, selection)
    if workflow_file is not None:
        plan = workflow.read(workflow_file)
        if plan.environment != full.environment:
            problem = f"is {plan.environment!r}"
            raise InputError(str(workflow_file), "environment", problem, repr(full.environment))
        if plan.clock is not full.clock:
            problem = f"is for the clock {plan.clock}"
            raise InputError(
                str(workflow_file),
                "clock",
                problem,
                f"{full.clock}, as in {full.environment}-full.yaml",
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
    environment = environment_of(full)
    raise_all([*absent_cpus(workloads, environment), *absent_loads(workloads, environment)])
    if MATCHING in measurement.workloads:
        cases = tuple(replace(c, workloads=matching_workloads(c, workloads)) for c in cases)
    plan = make_plan(
        full.environment,
        cases,
        partial(placebo_case, full),
        workloads,
        measurement.design(),
        selection.together,
    )
    return replace(plan, clock=full.clock)


def _run_name() -> str:
    return f"plan · {Path(task_run.parameters['config_dir']).name}"


plan_environment = task(name="plan", task_run_name=_run_name, cache_policy=NO_CACHE)(make_plan_of)
"""`make_plan_of` as a step of a flow."""
