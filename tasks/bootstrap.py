"""The task `bootstrap`: from minimal-input.yaml to the environment's full.yaml and cases.json."""

from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from .discovery.discover import discover
from .discovery.facts_table import facts_table
from .discovery.full_yaml import to_full, write_full
from .discovery.recording import Recorder, Replay
from .model.catalog import catalog_names, catalog_path, read_catalog
from .model.facts import Facts
from .model.full import read_full
from .model.inputs import read_minimal_input
from .model.names import ENVIRONMENTS
from .planning.attaching import asked_of_kernels
from .planning.cases import expand, write_cases
from .remote.probing import probe_over_ssh

__all__ = ["Bootstrapped", "bootstrap_environment", "discover_environment", "facts_table"]


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The files that discovery wrote, and what it found."""

    environment: str
    full: Path
    cases: Path
    facts: dict[str, Facts]
    case_count: int
    skipped: int


async def discover_environment(
    minimal_input: Path,
    output_dir: Path | None = None,
    record: Path | None = None,
    replay: Path | None = None,
) -> Bootstrapped:
    """Discovers all nodes at once and writes both files. Raises InputErrors with every mistake.

    record: a folder to which all probe answers are written. replay: such a folder, read instead of
    asking the hosts.
    """
    minimal = read_minimal_input(minimal_input)
    catalog = read_catalog(minimal.tools.catalog)
    if replay is not None:
        facts = await discover(minimal, Replay(replay))
    else:
        shipped = [read_catalog(catalog_path(name)) for name in catalog_names()]
        symbols = asked_of_kernels([catalog, *shipped], minimal.tools.directory)
        async with probe_over_ssh(minimal.ssh.settings().on(minimal.clock)) as run:
            facts = await discover(minimal, Recorder(run, record) if record else run, symbols)
    output_dir = output_dir or ENVIRONMENTS / minimal.environment
    output_dir.mkdir(parents=True, exist_ok=True)
    full_path = output_dir / f"{minimal.environment}-full.yaml"
    cases_path = output_dir / f"{minimal.environment}-cases.json"
    write_full(full_path, to_full(minimal, facts, catalog))
    full = read_full(full_path)
    cases = expand(full, catalog)
    write_cases(cases_path, full, cases)
    skipped = sum(case.skipped is not None for case in cases)
    return Bootstrapped(minimal.environment, full_path, cases_path, facts, len(cases), skipped)


bootstrap_environment = task(
    name="bootstrap", task_run_name="bootstrap · {minimal_input}", cache_policy=NO_CACHE
)(discover_environment)
"""`discover_environment` as a step of a flow."""
