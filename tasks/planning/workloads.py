"""config/workloads.yaml: the workloads by name, and the sets that are run together."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ..model.documents import Mistake, Written, as_mapping, read_document
from ..model.environment import Environment
from ..model.errors import InputError, one_of, raise_all
from ..model.fields import Identifier
from ..model.names import config_file
from ..model.plan import Workload
from ..programs.loads import LOADS, USUAL


class _Entry(Written):
    kind: Literal["throughput", "latency", "pps", "tail", "load", "start"]
    protocol: Literal["tcp", "udp"]
    program: str | None = Field(default=None, description="a load program's name")
    streams: int = Field(default=1, ge=1, le=64, description="load processes, 1 to 64")
    bandwidth: str | None = Field(
        default=None, pattern=r"^\d+(\.\d+)?[KMGTkmgt]?$", description="bits a second, e.g. 1G"
    )
    length: int | None = Field(default=None, ge=1, le=65507, description="bytes, 1 to 65507")
    requests_per_s: int | None = Field(
        default=None, ge=1, le=1_000_000, description="requests on a fixed schedule, 1 to 1000000"
    )
    load_pct: int | None = Field(
        default=None, ge=1, le=100, description="% of the packet rate that the baseline holds"
    )
    starts: int | None = Field(
        default=None, ge=1, le=100, description="starts of the tool in a window, 1 to 100"
    )
    affinity: str | None = Field(
        default=None, pattern=r"^\d+[,/]\d+$", description="CPU of client,server, e.g. 0,1"
    )


class _File(Written):
    window_s: int = Field(ge=1, description="whole seconds, at least 1")
    warmup_s: int = Field(ge=0, description="whole seconds")
    workloads: dict[Identifier, _Entry] = Field(description="workloads by name")
    sets: dict[Identifier, list[Identifier]] = Field(description="lists of workloads by name")


def absent_cpus(workloads: Iterable[Workload], environment: Environment) -> list[InputError]:
    """An error for each CPU that a workload needs and its node does not have: one that it pins a
    load to, or the one that the sender of scheduled requests takes. Nodes whose number of CPUs is
    not known have all."""
    errors: dict[str, InputError] = {}
    for workload, pair in product(workloads, environment.pairs.values()):
        client = environment.facts.get(pair.client.name)
        if workload.requests_per_s is not None and client is not None and client.cpu.cpus == 1:
            problem = f"{workload.name} needs a second CPU on {client.node}: its sender takes one"
            error = InputError("measurement", "workloads", problem, "other workloads there")
            errors[str(error)] = error
        if workload.affinity is None:
            continue
        pinned = map(int, workload.affinity.replace("/", ",").split(","))
        for cpu, node in zip(pinned, (pair.client, pair.server), strict=True):
            known = environment.facts.get(node.name)
            cpus = known.cpu.cpus if known else None
            if cpus is not None and cpu >= cpus:
                problem = f"{node.name} has no CPU {cpu}"
                error = InputError("measurement", "affinity", problem, f"0 to {cpus - 1}")
                errors[str(error)] = error
    return list(errors.values())


def absent_loads(workloads: Iterable[Workload], environment: Environment) -> list[InputError]:
    """An error for each load program that a node lacks; unknown ones are taken to be there."""
    errors: dict[str, InputError] = {}
    for workload, pair in product(workloads, environment.pairs.values()):
        for node in (pair.client, pair.server):
            known = environment.facts.get(node.name)
            if known and known.programs and workload.program not in known.programs:
                problem = f"{workload.name} needs {workload.program}, which {node.name} lacks"
                expected = f"{workload.program} installed there, then bootstrap again"
                error = InputError("measurement", "workloads", problem, expected)
                errors[str(error)] = error
    return list(errors.values())


def read_workloads(
    names: tuple[str, ...] = ("full",),
    *,
    file: Path | None = None,
    window_s: int | None = None,
    warmup_s: int | None = None,
    streams: int | None = None,
    affinity: str | None = None,
) -> tuple[Workload, ...]:
    """The workloads of these names or sets, in the file's order; settings given here win.

    file: default config/workloads.yaml. streams: of the multi-stream workloads.
    Raises InputErrors for mistakes in the file and for names that it does not have.
    """
    read = read_document(file or config_file("workloads.yaml"), _File, _unknown_names)
    known = [*read.sets, *read.workloads]
    raise_all(
        [
            InputError(
                "measurement",
                "workloads",
                f"unknown workload or set {name!r}",
                one_of(known, name),
            )
            for name in names
            if name not in known
        ]
    )
    wanted = {workload for name in names for workload in read.sets.get(name, [name])}
    return tuple(
        Workload(
            name=name,
            kind=entry.kind,
            program=entry.program or USUAL[entry.kind],
            protocol=entry.protocol,
            streams=streams if streams and entry.streams > 1 else entry.streams,
            window_s=float(window_s or read.window_s),
            warmup_s=float(read.warmup_s if warmup_s is None else warmup_s),
            bandwidth=entry.bandwidth,
            length=entry.length,
            affinity=affinity or entry.affinity,
            requests_per_s=entry.requests_per_s,
            load_pct=entry.load_pct,
            starts=entry.starts,
        )
        for name, entry in read.workloads.items()
        if name in wanted
    )


def _unknown_names(data: Any) -> Iterator[Mistake]:
    """Programs that are no load of that kind, load workloads without a rate, members of sets that
    are no workloads of the file."""
    known = as_mapping(as_mapping(data).get("workloads"))
    for name, entry in known.items():
        yield from _wrong_load(str(name), as_mapping(entry))
        yield from _wrong_schedule(str(name), as_mapping(entry))
        kind, program = (as_mapping(entry).get(key) for key in ("kind", "program"))
        fitting = [load for load in LOADS if kind in LOADS[load].kinds]
        if isinstance(program, str) and fitting and program not in fitting:
            place, expected = ("workloads", str(name), "program"), f"one of {', '.join(fitting)}"
            yield Mistake(place, f"no {kind} load {program!r}", expected)
    for name, members in as_mapping(as_mapping(data).get("sets")).items():
        for index, member in enumerate(members if isinstance(members, list) else ()):
            if isinstance(member, str) and member not in known:
                expected = f"one of {', '.join(map(str, known))}"
                yield Mistake(("sets", str(name), index), f"unknown workload {member!r}", expected)


def _wrong_schedule(name: str, entry: Mapping[str, Any]) -> Iterator[Mistake]:
    """What a workload of scheduled requests must have, and no other may."""
    kind, place = entry.get("kind"), ("workloads", name)
    for key, kinds in (("requests_per_s", ("tail", "start")), ("starts", ("start",))):
        if kind in kinds and key not in entry:
            yield Mistake(place, f"has no {key}", f"it, as a workload of kind {kind}")
        if kind not in kinds and key in entry:
            of = " or ".join(kinds)
            yield Mistake((*place, key), "is of no use here", f"a workload of kind {of}")


def _wrong_load(name: str, entry: Mapping[str, Any]) -> Iterator[Mistake]:
    """What a load at a share of the capacity must have, and no other workload may."""
    if entry.get("kind") not in ("load", "tail"):
        if "load_pct" in entry:
            place = ("workloads", name, "load_pct")
            yield Mistake(place, "is of no use here", "a workload of kind load or tail")
        return
    if entry.get("kind") == "tail" and "load_pct" not in entry:
        return
    if entry.get("protocol") != "udp":
        problem = "a load workload sends at a rate whatever comes back"
        yield Mistake(("workloads", name, "protocol"), problem, "udp")
    for key in ("load_pct", "length"):
        if entry.get(key) is None:
            yield Mistake(("workloads", name), f"has no {key}", "it, for the rate is made from it")
    if "bandwidth" in entry:
        problem = "the rate comes from load_pct"
        yield Mistake(("workloads", name, "bandwidth"), problem, "none")
