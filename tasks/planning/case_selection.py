"""Which cases a person wants, and which loads a case runs."""

from collections.abc import Callable, Collection, Sequence

from ..model.errors import InputError, raise_all
from ..model.plan import Case, Workload


def select(
    cases: Sequence[Case],
    *,
    tools: Collection[str] = (),
    layers: Collection[str] = (),
    category: str = "",
    protocol: str = "",
    direction: str = "",
    case_ids: Collection[int] = (),
) -> tuple[Case, ...]:
    """The cases that every given filter keeps, in their order; an empty filter keeps all.

    `category` is a prefix of whole parts: `kvm-virt-network` holds `kvm-virt-network/tun`.
    Raises InputErrors for values that no case has, with those there are.
    """
    filters: list[tuple[str, Collection[str], Callable[[Case], str]]] = [
        ("--tools", {_tool(name) for name in tools}, lambda case: case.tool),
        ("--layers", layers, lambda case: str(case.layer)),
        ("--protocol", [protocol] if protocol else [], _parameter("protocol")),
        ("--direction", [direction] if direction else [], _parameter("direction")),
        ("--case-ids", [str(number) for number in case_ids], lambda case: str(case.id)),
    ]
    errors = [
        InputError(option, value, "no case has it", f"one of {_listed(cases, of)}")
        for option, wanted, of in filters
        for value in sorted(wanted)
        if value not in {of(case) for case in cases}
    ]
    if category and not any(_within(case.category, category) for case in cases):
        there = _listed(cases, lambda case: case.category)
        errors.append(InputError("--category", category, "no case has it", f"one of {there}"))
    raise_all(errors)
    kept = tuple(
        case
        for case in cases
        if all(not wanted or of(case) in wanted for _, wanted, of in filters)
        and (not category or _within(case.category, category))
    )
    if not kept:
        raise InputError("filters", "", "no case passes all of them together", "one that does")
    return kept


def matching_workloads(case: Case, workloads: Sequence[Workload]) -> tuple[str, ...]:
    """Names of the workloads whose protocol the case's tool watches.

    A tool that watches no protocol, or one that no load speaks (icmp), keeps them all.
    """
    watched = case.parameters.get("protocol")
    names = tuple(load.name for load in workloads if load.protocol == watched)
    return names or tuple(load.name for load in workloads)


def _tool(name: str) -> str:
    """A tool may be named by its id or by its script."""
    return name.removesuffix(".py").removesuffix(".bt").replace("-", "_")


def _parameter(name: str) -> Callable[[Case], str]:
    return lambda case: case.parameters.get(name, "")


def _within(category: str, prefix: str) -> bool:
    return f"{category}/".startswith(f"{prefix.rstrip('/')}/")


def _listed(cases: Sequence[Case], of: Callable[[Case], str]) -> str:
    values = list(dict.fromkeys(of(case) for case in cases if of(case)))
    if len(values) > 30:
        return f"{values[0]} … {values[-1]}"
    return ", ".join(values) or "none"
