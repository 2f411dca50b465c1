"""Tools that are measured at once: a case of its own beside those of each of them alone."""

from collections.abc import Sequence

from ..model.environment import Layer
from ..model.errors import InputError, one_of, raise_all
from ..model.plan import PARTS_JOINED_BY, TOGETHER, Case, CaseKind, ToolClass


def with_together(cases: Sequence[Case], sets: Sequence[str]) -> list[Case]:
    """The cases, and one more for each of these sets in each layer that has all of its members.

    A set names cases or tools that have one case, joined by +. Raises InputErrors for those that
    are not measured by themselves, and for sets of one.
    """
    errors: list[InputError] = []
    found = list(cases)
    for named in sets:
        members = [name.strip() for name in named.split(PARTS_JOINED_BY)]
        if len(members) < 2:
            errors.append(_error(named, "is one tool", "several, joined by +"))
            continue
        by_layer = [_members(cases, layer, members) for layer in Layer]
        whole = [parts for parts in by_layer if isinstance(parts, list)]
        if not whole:
            errors.append(next(one for one in by_layer if isinstance(one, InputError)))
        for parts in whole:
            found.append(_together(max(case.id for case in found) + 1, parts))
    raise_all(errors)
    return found


def _members(cases: Sequence[Case], layer: Layer, names: Sequence[str]) -> list[Case] | InputError:
    """The case of each of these in the layer, or why one has none."""
    here = [case for case in cases if case.layer == layer and case.kind is not CaseKind.BASELINE]
    parts = []
    for name in names:
        fitting = [case for case in here if case.name == name]
        fitting = fitting or [case for case in here if case.tool == name]
        if len(fitting) != 1:
            set_ = PARTS_JOINED_BY.join(names)
            if fitting:
                expected = one_of([case.name for case in fitting], name)
                return _error(set_, f"{name} has {len(fitting)} cases", expected)
            measured = [case.name for case in cases if case.kind is not CaseKind.BASELINE]
            return _error(set_, f"{name} is not measured by itself", one_of(measured, name))
        parts += fitting
    return parts


def _error(named: str, problem: str, expected: str) -> InputError:
    return InputError("selection", "together", f"{named}: {problem}", expected)


def _together(number: int, parts: Sequence[Case]) -> Case:
    """A case that starts all of these; it cannot run where one of them cannot."""
    classes = [part.tool_class for part in parts if part.tool_class is not None]
    name = PARTS_JOINED_BY.join(part.name for part in parts)
    return Case(
        id=number,
        name=name,
        kind=CaseKind.TOOL,
        layer=parts[0].layer,
        command=" & ".join(part.command for part in parts),
        tool=name,
        category=TOGETHER,
        tool_class=max(classes, key=list(ToolClass).index, default=None),
        workloads=_shared([part.workloads for part in parts]),
        attaches=tuple(dict.fromkeys(point for part in parts for point in part.attaches)),
        skipped=next((f"{part.name}: {part.skipped}" for part in parts if part.skipped), None),
        cannot_attach=any(part.cannot_attach for part in parts),
        parts=tuple(parts),
    )


def _shared(lists: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """The workloads that all of them run; None: all of the plan's."""
    given = [names for names in lists if names is not None]
    return tuple(n for n in given[0] if all(n in names for names in given)) if given else None
