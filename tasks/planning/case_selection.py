"""Which cases a person wants, and which workloads a case runs."""

import operator
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from ..model.errors import InputError, one_of, raise_all
from ..model.plan import Case, Workload
from ..model.settings import Selection


class _Filter(NamedTuple):
    """A field of Selection: the values given, and the cases' values that they are held against."""

    field: str
    given: Collection[str]
    value_of: Callable[[Case], str]
    accepts: Callable[[str, str], bool] = operator.eq  # a case's value, a given one

    def keeps(self, case: Case) -> bool:
        value = self.value_of(case)
        return not self.given or any(self.accepts(value, given) for given in self.given)


def select(cases: Sequence[Case], selection: Selection) -> tuple[Case, ...]:
    """The cases that every given filter keeps, in their order; an empty filter keeps all.

    `category` is a prefix of whole parts: `kvm-virt-network` holds `kvm-virt-network/tun`.
    Raises InputErrors for values that no case has; they list the values that exist.
    """
    filters = _filters(selection)
    raise_all(
        [
            InputError(
                "selection",
                option.field,
                f"no case has {given!r}",
                one_of(_values(cases, option.value_of), given) or "none: there is no such case",
            )
            for option in filters
            for given in option.given
            if not any(option.accepts(option.value_of(case), given) for case in cases)
        ]
    )
    kept = tuple(case for case in cases if all(option.keeps(case) for option in filters))
    if not kept:
        raise InputError("selection", "", "no case passes all filters together", "at least one")
    return kept


def _filters(selection: Selection) -> list[_Filter]:
    def single(value: str | None) -> list[str]:
        return [value] if value else []

    return [
        _Filter("tools", selection.tools, lambda case: case.tool, _is_named),
        _Filter("layers", list(map(str, selection.layers)), lambda case: str(case.layer)),
        _Filter("protocol", single(selection.protocol), _parameter("protocol")),
        _Filter("direction", single(selection.direction), _parameter("direction")),
        _Filter("case_ids", list(map(str, selection.case_ids)), lambda case: str(case.id)),
        _Filter("category", single(selection.category), lambda case: case.category, _is_within),
    ]


def matching_workloads(case: Case, workloads: Sequence[Workload]) -> tuple[str, ...]:
    """Names of the workloads whose protocol the case's tool watches.

    A tool that watches no protocol, or one that no workload speaks (icmp), keeps them all.
    """
    watched = case.parameters.get("protocol")
    names = tuple(load.name for load in workloads if load.protocol == watched)
    return names or tuple(load.name for load in workloads)


def _is_named(tool: str, name: str) -> bool:
    """A tool may be named by its id or by its script."""
    stem = name.removesuffix(".py").removesuffix(".bt")
    return tool in (stem.replace("-", "_"), name.replace("-", "_").replace(".", "_"))


def _parameter(name: str) -> Callable[[Case], str]:
    return lambda case: case.parameters.get(name, "")


def _is_within(category: str, prefix: str) -> bool:
    return f"{category}/".startswith(f"{prefix.rstrip('/')}/")


def _values(cases: Sequence[Case], value_of: Callable[[Case], str]) -> list[str]:
    values = list(dict.fromkeys(value_of(case) for case in cases if value_of(case)))
    return values if len(values) <= 30 else [f"{values[0]} … {values[-1]}"]
