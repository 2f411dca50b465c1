"""The verb `run_case`: one case in its place on held hosts; and the holding of the hosts.

An open connection cannot be a task's parameter, so the campaigns that are open in this process are
found by their folder.
"""

import asyncio
import getpass
import json
import socket
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from .execution.session import Session as Session  # what `hold_hosts` yields
from .execution.session import slots_left
from .execution.site import Site
from .execution.steps import Step, Steps
from .model.environment import Environment, Node
from .model.errors import InputError, raise_all
from .model.facts import fingerprint
from .model.full import environment_of, find_config, read_full
from .model.outcome import CellStatus
from .model.plan import CaseKind, Plan, Slot
from .planning import workflow
from .planning.cases import PLACEBO
from .planning.schedule import with_baseline_before
from .reading.native import ENVIRONMENT_FILE
from .remote.held_host import HeldHost, holding
from .storage import journal, rawtree, schema

WORKFLOW_FILE = rawtree.WORKFLOW

_QUIET_WITHIN_S = 120.0
_PAUSE_S = 15 * 60.0
_LOAD_NODE_MIB = 64
_OPEN: dict[str, Session] = {}


def lay_out(config_dir: Path, folder: Path, run: str, plan: Plan) -> None:
    """Writes into `folder` all that this environment's part of the run is made from."""
    folder.mkdir(parents=True, exist_ok=True)
    full_path, _ = find_config(config_dir)
    full = read_full(full_path)
    environment = environment_of(full)
    text = full_path.read_text(encoding="utf-8")
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / full_path.name).write_text(text, encoding="utf-8")
    (folder / WORKFLOW_FILE).write_text(workflow.dump(plan), encoding="utf-8")
    rawtree.write_json(
        folder / ENVIRONMENT_FILE,
        {
            "environment": environment.name,
            "run": run,
            "schema_version": schema.VERSION,
            "program_version": version("ebpf-overhead"),
            "config_dir": str(config_dir.resolve()),
            "hardware": environment.hardware,
            "hosts": sorted({node.host for node in environment.nodes.values()}),
            "design": asdict(plan.design),
            "workloads": [asdict(workload) for workload in plan.workloads],
            "skipped_cases": {c.name: c.skipped for c in plan.cases if c.skipped},
            "facts": {
                name: facts.model_dump(mode="json", exclude_none=True)
                for name, facts in environment.facts.items()
            },
        },
    )


def resumable(folder: Path) -> dict[Path, str]:
    """The environments of a run that was laid out, and the hardware that each occupies.

    Raises InputError where the folder is none.
    """
    files = sorted(folder.glob(f"*/{ENVIRONMENT_FILE}"))
    if not files:
        raise InputError(str(folder), "", "is not a run's folder", "one with an environment in it")
    groups: dict[Path, str] = {}
    used: dict[str, str] = {}  # a host's address or a hardware's id -> the group that uses it
    for file in files:
        names = occupied(file.parent)
        group = next((used[name] for name in names if name in used), file.parent.name)
        groups[file.parent] = group
        used.update(dict.fromkeys(names, group))
    return groups


def occupied(folder: Path) -> list[str]:
    """What the environment in `folder` needs for itself: its hosts' addresses, its hardware."""
    known = json.loads((folder / ENVIRONMENT_FILE).read_text(encoding="utf-8"))
    return [*known["hosts"], *([known["hardware"]] if known["hardware"] else [])]


def unfinished(folder: Path) -> bool:
    """Whether a run that was laid out has cells without a final outcome."""
    return any(
        slots_left(workflow.read(part / WORKFLOW_FILE), journal.read(part / journal.OUTCOMES))
        for part in resumable(folder)
    )


def opened(folder: str) -> Session:
    """The campaign that `hold_hosts` of this process opened for `folder`."""
    return _OPEN[folder]


@asynccontextmanager
async def hold_hosts(
    folder: Path, run: str, *, min_free_mib: int, keep_on_hosts: bool
) -> AsyncIterator[Session]:
    """The environment's hosts, held and prepared for the plan in `folder`, as a campaign.

    Raises HostsBusy, RemoteError, and InputErrors for what the hosts lack, before anything starts.
    """
    plan = _after_a_pause(folder, workflow.read(folder / WORKFLOW_FILE))
    known = json.loads((folder / ENVIRONMENT_FILE).read_text(encoding="utf-8"))
    full = read_full(find_config(Path(known["config_dir"]))[0])
    environment = environment_of(full)
    layers = {slot.layer for slot in plan.slots}
    nodes = {n.name: n for layer in layers for n in environment.pairs[layer].nodes}
    holder = f"{getpass.getuser()}@{socket.gethostname()}, run {run}"
    async with holding(
        nodes.values(), environment.ssh, run, holder, sudo=environment.use_sudo
    ) as hosts:
        writers = {environment.pairs[layer].tool_host.name for layer in layers}
        errors: list[InputError] = []
        for name, host in hosts.items():  # a node that only carries load writes a few KiB a cell
            floor_mib = min_free_mib if name in writers else min(min_free_mib, _LOAD_NODE_MIB)
            errors += await _disk(host, floor_mib)
        raise_all([*errors, *await _tools(environment, plan, hosts)])
        max_load = _max_load(plan, environment, nodes)
        load_before = await _quiet(hosts.values(), max_load)

        async def reconnect() -> None:
            for host in hosts.values():
                await host.revive()

        def tell(step: Step) -> None:
            journal.append(folder / journal.STEPS, step)

        campaign = Session(
            Site(
                environment=environment,
                plan=plan,
                run=run,
                folder=folder,
                shells=hosts,
                steps=Steps(plan.hooks, tell),
                epoch=fingerprint(environment.facts[name] for name in nodes),
                load_before=load_before,
                max_load=max_load,
                keep_on_hosts=keep_on_hosts,
            ),
            reconnect,
        )
        _OPEN[str(folder)] = campaign
        try:
            yield campaign
        finally:
            del _OPEN[str(folder)]


def _after_a_pause(folder: Path, plan: Plan) -> Plan:
    """The plan, with a baseline before what is left where the run stood still for long: the last
    one before the pause tells nothing of the hosts now. Writes the plan where that changed it."""
    outcomes = journal.read(folder / journal.OUTCOMES)
    measured = [o.ended or 0.0 for o in outcomes.values() if o.status is not CellStatus.SKIPPED]
    left = slots_left(plan, outcomes)
    if not left or not measured or time.time() - max(measured) < _PAUSE_S:
        return plan
    if plan.case(left[0].case_id, left[0].layer).kind is CaseKind.BASELINE:
        return plan
    opened = with_baseline_before(plan, left[0])
    rawtree.write_text(folder / WORKFLOW_FILE, workflow.dump(opened))
    return opened


def _max_load(plan: Plan, environment: Environment, nodes: Mapping[str, Node]) -> float | None:
    if plan.design.max_load_1m is not None:
        return plan.design.max_load_1m
    cpus = [environment.facts[name].cpu.cpus for name in nodes]
    return float(min(count for count in cpus if count)) if any(cpus) else None


async def _disk(host: HeldHost, floor_mib: int) -> Sequence[InputError]:
    node = host.node
    answer = await host.run(("df", "-Pm", "--", node.workdir), check=False)
    where = f"{node.name} ({node.address})"
    if answer.status != 0:
        return [InputError(where, "workdir", answer.stderr.strip(), "a folder on that host")]
    free_mib = int(answer.stdout.splitlines()[-1].split()[-3])
    if free_mib >= floor_mib:
        return []
    problem = f"{node.workdir} has {free_mib} MiB free"
    return [InputError(where, "workdir", problem, f"at least {floor_mib} MiB")]


async def _quiet(hosts: Iterable[HeldHost], max_load: float | None) -> float:
    """The hosts' highest 1-minute load, once it is below the limit.

    Raises InputError for a host that stays above it: none of its cells would count.
    """
    highest = 0.0
    for host in hosts:
        until = time.monotonic() + _QUIET_WITHIN_S
        while True:
            load = float((await host.run(("cat", "/proc/loadavg"))).stdout.split()[0])
            if max_load is None or load <= max_load:
                break
            if time.monotonic() > until:
                where = f"{host.node.name} ({host.node.address})"
                problem = f"1-minute load is {load:.2f} before anything was started"
                raise InputError(where, "--max-load", problem, f"at most {max_load:.2f}")
            await asyncio.sleep(5)
        highest = max(highest, load)
    return highest


async def _tools(
    environment: Environment, plan: Plan, hosts: Mapping[str, HeldHost]
) -> list[InputError]:
    """Brings the tools' files to the hosts they run on; what is missing there then is an error."""
    errors = []
    for layer in {slot.layer for slot in plan.slots}:
        host = hosts[environment.pairs[layer].tool_host.name]
        where = f"{host.node.workdir}/{environment.remote_tools_dir}"
        if environment.tools_dir is not None:
            files = [path for path in environment.tools_dir.rglob("*") if path.is_file()]
            await host.deliver(sorted(files), environment.tools_dir, where)
        if environment.tools_dir is None or not (environment.tools_dir / PLACEBO.name).exists():
            await host.deliver([PLACEBO], PLACEBO.parent, where)
        used = {slot.case_id for slot in plan.slots if slot.layer == layer}
        for case in plan.cases:
            if case.layer != layer or case.id not in used or not case.script:
                continue
            script = next((w for w in case.command.split() if w.endswith(case.script)), "")
            looked = await host.run(("test", "-f", _below(host.node.workdir, script)), check=False)
            if looked.status != 0:
                place = f"{host.node.name} ({host.node.address})"
                errors.append(
                    InputError(place, case.name, f"no script {script}", f"it below {where}")
                )
    return errors


def _below(workdir: str, path: str) -> str:
    return path if path.startswith("/") else f"{workdir}/{path}"


@task(
    name="run_case",
    task_run_name="{name}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def run_case(folder: str, slot: Slot, name: str) -> Any:
    """All cells of one slot, as a state: Failed where a cell does not count; the flow goes on.

    Raises HostNotClean or RemoteError where nothing more can be measured on these hosts.
    """
    outcomes = await _OPEN[folder].run(slot)
    bad = [o for o in outcomes if o.status is not CellStatus.PASSED]
    if not bad:
        return Completed(message=f"{len(outcomes)} cells passed", data=outcomes)
    told = "; ".join(f"{o.key.workload}: {o.gate or o.status} {o.reason}"[:300] for o in bad[:3])
    return Failed(message=f"{len(bad)} of {len(outcomes)} cells do not count: {told}")
