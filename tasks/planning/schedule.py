"""The order of an iteration: cases permuted by a seed, baselines between them, placebos among them.

A baseline comes first, after every `baseline_every` cases, and last, so that every case has one on
each side. All workloads of a case run within one attach; one that is decided leaves the iterations
that follow. Layers share hosts, so they take turns.
"""

import random
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile

from ..model.environment import Layer
from ..model.plan import Case, CaseKind, Design, Plan, Slot, Workload
from .together import with_together

SLOT_OVERHEAD_S = {CaseKind.BASELINE: 0.3, CaseKind.PLACEBO: 4.0, CaseKind.TOOL: 6.0}
"""What a slot costs beside its cells: start, stop, collection. Measured in the lab."""

CELL_OVERHEAD_S = 0.25

REPEATED = 3
"""First attempt of a block that is run again; attempt 2 is a single cell that failed by chance."""


def make_plan(
    environment: str,
    cases: Sequence[Case],
    placebo_of: Callable[[Layer], Case],
    workloads: tuple[Workload, ...],
    design: Design,
    together: Sequence[str] = (),
) -> Plan:
    """The whole plan of an environment. `placebo_of` gives a layer's placebo, without a number;
    `together`: sets of tools that are also measured at once. Raises InputErrors."""
    all_cases = with_together(_with_references(cases, placebo_of, design), together)
    return ordered(Plan(environment, design, workloads, tuple(all_cases), ()))


def _with_references(
    cases: Sequence[Case], placebo_of: Callable[[Layer], Case], design: Design
) -> list[Case]:
    """The cases with each layer's baseline (id 0) and placebos (ids after the last case's)."""
    last = max((case.id for case in cases), default=0)
    found = list(cases)
    for layer in _layers(cases):
        found.append(Case(0, "baseline", CaseKind.BASELINE, layer))
        found += (
            replace(placebo_of(layer), id=last + n, name=f"placebo_{n}", category="placebo")
            for n in range(1, design.placebos + 1)
        )
    return found


def _layers(cases: Iterable[Case]) -> list[Layer]:
    """The layers that have a case to run, in their fixed order."""
    present = {case.layer for case in cases if not case.skipped}
    return [layer for layer in Layer if layer in present]


def ordered(plan: Plan) -> Plan:
    """The plan with all slots of its design; its cases include the references.

    The same seed and cases give the same order. Every iteration has an order of its own, which does
    not depend on the other iterations.
    """
    measured = [c for c in plan.cases if c.kind is not CaseKind.BASELINE and not c.skipped]
    slots: list[Slot] = []
    for iteration in range(1, plan.design.iterations + 1):
        for layer in _layers(plan.cases):
            wanted = {c.id: _names(plan.workloads_of(c)) for c in measured if c.layer == layer}
            slots += _in_random_order(plan, iteration, layer, wanted)
    return replace(plan, slots=tuple(slots))


def _in_random_order(
    plan: Plan, iteration: int, layer: Layer, wanted: Mapping[int, tuple[str, ...]]
) -> list[Slot]:
    """One layer's slots in an iteration. wanted: case id -> names of its workloads, in their order.

    A baseline measures what the cases between it and its two neighbours measure. As cases lose
    workloads, more of them fit between two baselines, so that these stay equally far apart in time.
    """
    ids = sorted(wanted)
    random.Random(f"{plan.design.seed}/{iteration}/{layer}").shuffle(ids)
    cases = [plan.case(id, layer) for id in ids]
    at_first = sum(_lasts_s(plan, case, plan.workloads_of(case)) for case in cases)
    now = sum(_lasts_s(plan, case, plan.named(wanted[case.id])) for case in cases)
    every = round(plan.design.baseline_every * at_first / now) if now else 1
    blocks = [ids[start : start + every] for start in range(0, len(ids), every)]
    order: list[tuple[int, set[str]]] = []
    for before, after in pairwise([[], *blocks, []]):
        order.append((0, {name for id in (*before, *after) for name in wanted[id]}))
        order += [(id, set(wanted[id])) for id in after]
    return [
        Slot(iteration, position, layer, id, workloads=_if_fewer(plan, plan.case(id, layer), names))
        for position, (id, names) in enumerate(order)
    ]


def _if_fewer(plan: Plan, case: Case, names: Container[str]) -> tuple[str, ...] | None:
    """The workloads of the case that are in `names`, as `Slot.workloads`: None where all are."""
    every = _names(plan.workloads_of(case))
    found = tuple(name for name in every if name in names)
    return None if found == every else found


def _names(workloads: Iterable[Workload]) -> tuple[str, ...]:
    return tuple(workload.name for workload in workloads)


def with_block_repeated(plan: Plan, iteration: int, layer: Layer, left: int, right: int) -> Plan:
    """The plan with the block between the baselines at these positions once more, at the end of its
    iteration.

    Unchanged where another baseline lies between them, one without the workload that jumped: no
    case between them measures it.
    """
    slots = _slots_of(plan, iteration, layer)
    positions = [slot.position for slot in slots]
    block = slots[positions.index(left) : positions.index(right) + 1]
    if any(slot.case_id == 0 for slot in block[1:-1]):
        return plan
    repeated = [
        replace(slot, position=position, attempt=REPEATED)
        for position, slot in enumerate(block, start=_free_position(slots))
    ]
    end = plan.slots.index(slots[-1]) + 1
    return replace(plan, slots=(*plan.slots[:end], *repeated, *plan.slots[end:]))


def with_baseline_before(plan: Plan, slot: Slot) -> Plan:
    """The plan with one more baseline right before the slot, at a position of its own."""
    place, baseline = plan.slots.index(slot), plan.case(0, slot.layer)
    block = takewhile(lambda later: later.case_id != baseline.id, plan.slots[place:])
    names = {name for later in block for name in _names(plan.workloads_in(later))}
    free = _free_position(_slots_of(plan, slot.iteration, slot.layer))
    opening = Slot(slot.iteration, free, slot.layer, 0, workloads=_if_fewer(plan, baseline, names))
    return replace(plan, slots=(*plan.slots[:place], opening, *plan.slots[place:]))


def _slots_of(plan: Plan, iteration: int, layer: Layer) -> list[Slot]:
    return [slot for slot in plan.slots if (slot.iteration, slot.layer) == (iteration, layer)]


def _free_position(slots: Iterable[Slot]) -> int:
    """The first position that none of a layer's slots in an iteration has."""
    return max(slot.position for slot in slots) + 1


def without(plan: Plan, leaving: Container[tuple[Layer, int, str]], after: int) -> Plan:
    """The plan with the iterations beyond `after` ordered anew, without these (layer, case id,
    workload). What is not planned there now does not come back.

    Placebos and baselines stay for the workloads that a tool still has; a layer without any is not
    ordered at all.
    """
    slots = [slot for slot in plan.slots if slot.iteration <= after]
    for iteration in range(after + 1, plan.design.iterations + 1):
        for layer in Layer:
            wanted = _still_wanted(plan, leaving, iteration, layer)
            if wanted:
                slots += _in_random_order(plan, iteration, layer, wanted)
    return replace(plan, slots=tuple(slots))


def _still_wanted(
    plan: Plan, leaving: Container[tuple[Layer, int, str]], iteration: int, layer: Layer
) -> dict[int, tuple[str, ...]]:
    """Case id -> the workloads of its slot in this iteration that do not leave."""
    planned = [
        (plan.case(slot.case_id, layer), name)
        for slot in _slots_of(plan, iteration, layer)
        for name in _names(plan.workloads_in(slot))
    ]
    staying = [(case, name) for case, name in planned if (layer, case.id, name) not in leaving]
    # tools that are measured together are held against each of them alone, iteration by iteration
    kept = {(one.id, name) for case, name in staying for one in (case, *case.parts)}
    cells = [(case, name) for case, name in planned if (case.id, name) in kept]
    of_tools = {name for case, name in cells if case.kind is CaseKind.TOOL}
    wanted: dict[int, tuple[str, ...]] = {}
    for case, name in cells:
        if case.kind is not CaseKind.BASELINE and name in of_tools:
            wanted[case.id] = (*wanted.get(case.id, ()), name)
    return wanted


def duration_s(plan: Plan, slots: Sequence[Slot] | None = None) -> float:
    """Estimated seconds of these slots (default: all), from what cells and slots cost."""
    return sum(
        _lasts_s(plan, plan.case(slot.case_id, slot.layer), plan.workloads_in(slot))
        for slot in (plan.slots if slots is None else slots)
    )


def _lasts_s(plan: Plan, case: Case, workloads: Iterable[Workload]) -> float:
    """Estimated seconds of a slot of this case with these workloads."""
    attribution_s = 0.0 if case.kind is CaseKind.BASELINE else plan.design.attribution_s
    cells_s = sum(w.window_s + w.warmup_s + CELL_OVERHEAD_S for w in workloads)
    starts_s = sum(SLOT_OVERHEAD_S[tool.kind] for tool in case.tools)
    return starts_s + plan.design.cooldown_s + attribution_s + cells_s
