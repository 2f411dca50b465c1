"""Prepares reserved hosts for a plan, or refuses them before anything starts: disk, load, tools."""

import asyncio
from collections.abc import Iterable, Mapping

from ..model.environment import Environment, Layer
from ..model.errors import InputError, raise_all
from ..model.plan import Case, Plan
from ..planning.cases import PLACEBO
from .host_time import host_time_s
from .shell import Shell
from .tool import argv_of, script_path

_QUIET_WITHIN_S = 120.0
_LOAD_NODE_MIB = 64  # a node that only carries load writes a few KiB per cell


async def prepare_hosts(
    environment: Environment, plan: Plan, hosts: Mapping[str, Shell], min_free_mib: int
) -> None:
    """Checks the free disk space and copies the tools to the hosts on which they run.

    Raises InputErrors for everything that the hosts lack; RemoteError.
    """
    layers = {slot.layer for slot in plan.slots}
    writers = {environment.pairs[layer].tool_host.name for layer in layers}
    errors: list[InputError] = []
    for name, host in hosts.items():
        floor_mib = min_free_mib if name in writers else min(min_free_mib, _LOAD_NODE_MIB)
        errors += await _disk_errors(host, floor_mib)
    raise_all([*errors, *await _deliver_tools(environment, plan, hosts)])


def load_limit(plan: Plan, environment: Environment, nodes: Iterable[str]) -> float | None:
    """The 1-minute load above which a host is busy: the plan's, or the smallest number of CPUs.

    None if the CPUs of no node are known.
    """
    if plan.design.max_load_1m is not None:
        return plan.design.max_load_1m
    cpus = [count for name in nodes if (count := environment.facts[name].cpu.cpus)]
    return float(min(cpus)) if cpus else None


async def wait_until_quiet(hosts: Iterable[Shell], max_load: float | None) -> float:
    """The hosts' highest 1-minute load, once it is below the limit.

    Raises InputError for a host that stays above it: none of its cells would count.
    """
    highest = 0.0
    for host in hosts:
        until = await host_time_s(host) + _QUIET_WITHIN_S
        while True:
            load = float((await host.run(("cat", "/proc/loadavg"))).stdout.split()[0])
            if max_load is None or load <= max_load:
                break
            if await host_time_s(host) > until:
                problem = f"1-minute load is {load:.2f} although nothing was started yet"
                raise InputError(_place(host), "max_load", problem, f"at most {max_load:.2f}")
            await asyncio.sleep(5)
        highest = max(highest, load)
    return highest


async def _disk_errors(host: Shell, floor_mib: int) -> list[InputError]:
    workdir = host.node.workdir
    answer = await host.run(("df", "-Pm", "--", workdir), check=False)
    if answer.status != 0:
        return [InputError(_place(host), "workdir", answer.stderr.strip(), "a folder on that host")]
    free_mib = int(answer.stdout.splitlines()[-1].split()[-3])
    if free_mib >= floor_mib:
        return []
    problem = f"{workdir} has {free_mib} MiB free"
    return [InputError(_place(host), "workdir", problem, f"at least {floor_mib} MiB")]


async def _deliver_tools(
    environment: Environment, plan: Plan, hosts: Mapping[str, Shell]
) -> list[InputError]:
    """Copies the tools; returns an error for each script that is still missing on its host."""
    errors = []
    local = environment.tools_dir
    for layer in {slot.layer for slot in plan.slots}:
        host = hosts[environment.pairs[layer].tool_host.name]
        remote = f"{host.node.workdir}/{environment.remote_tools_dir}"
        if local is not None:
            files = sorted(path for path in local.rglob("*") if path.is_file())
            await host.deliver(files, local, remote)
        if local is None or not (local / PLACEBO.name).exists():
            await host.deliver([PLACEBO], PLACEBO.parent, remote)
        errors += await missing_tools(host, _scheduled(plan, layer), remote)
    return errors


async def missing_tools(host: Shell, cases: Iterable[Case], remote: str) -> list[InputError]:
    """An error for each script that is not below `remote`, and for each package whose programs are
    not installed."""
    errors = []
    absent: dict[str, list[str]] = {}  # package -> its programs
    for case in cases:
        path = script_path(case, host.node)
        program = argv_of(case, is_root=True)[0]
        there = ("test", "-f", path) if path else ("sh", "-c", 'command -v "$1"', "sh", program)
        if (path or case.package) and not (await host.run(there, check=False)).status:
            continue
        if case.package:
            absent.setdefault(case.package, []).append(case.script if path else program)
        else:
            problem = f"no script {path or case.script}"
            errors.append(InputError(_place(host), case.name, problem, f"a file below {remote}"))
    for package, programs in absent.items():
        problem = f"has no program {', '.join(dict.fromkeys(programs))}"
        errors.append(InputError(_place(host), "", problem, f"the Debian package {package}"))
    return errors


def _scheduled(plan: Plan, layer: Layer) -> list[Case]:
    """The layer's cases of the plan that start a script."""
    used = {slot.case_id for slot in plan.slots if slot.layer == layer}
    return [c for c in plan.cases if c.layer == layer and c.id in used and c.script]


def _place(host: Shell) -> str:
    return f"{host.node.name} ({host.node.address})"
