"""The order of an iteration: cases permuted by a seed, baselines between them, placebos among them.

A baseline comes first, after every `baseline_every` cases, and last, so that every case has one on
each side. All workloads of a case run within one attach. Layers share hosts, so they take turns.
"""

import random
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace

from ..model.environment import Layer
from ..model.plan import Case, CaseKind, Design, Plan, Slot, Workload

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
) -> Plan:
    """The whole plan of an environment. `placebo_of` gives a layer's placebo, without a number."""
    all_cases = _with_references(cases, placebo_of, design)
    return Plan(environment, design, workloads, tuple(all_cases), tuple(order(all_cases, design)))


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


def order(cases: Sequence[Case], design: Design, iterations: range | None = None) -> list[Slot]:
    """Slots of these iterations (default: all of the design's); `cases` include the references.

    The same seed and cases give the same order. Every iteration has an order of its own, which does
    not depend on the other iterations asked for.
    """
    slots: list[Slot] = []
    for iteration in range(1, design.iterations + 1) if iterations is None else iterations:
        for layer in _layers(cases):
            shuffled = sorted(
                case.id
                for case in cases
                if case.layer == layer and case.kind is not CaseKind.BASELINE and not case.skipped
            )
            random.Random(f"{design.seed}/{iteration}/{layer}").shuffle(shuffled)
            ids = [0]
            for place, case_id in enumerate(shuffled, 1):
                ids.append(case_id)
                if place % design.baseline_every == 0 and place < len(shuffled):
                    ids.append(0)
            ids.append(0)
            slots += [Slot(iteration, position, layer, id) for position, id in enumerate(ids)]
    return slots


def with_block_repeated(plan: Plan, iteration: int, layer: Layer, left: int, right: int) -> Plan:
    """The plan with the block between the baselines at these positions once more, at the end of its
    iteration."""
    slots, free = _slots_of(plan, iteration, layer)
    positions = [slot.position for slot in slots]
    block = slots[positions.index(left) : positions.index(right) + 1]
    repeated = [
        replace(slot, position=position, attempt=REPEATED)
        for position, slot in enumerate(block, start=free)
    ]
    end = plan.slots.index(slots[-1]) + 1
    return replace(plan, slots=(*plan.slots[:end], *repeated, *plan.slots[end:]))


def with_baseline_before(plan: Plan, slot: Slot) -> Plan:
    """The plan with one more baseline right before the slot, at a position of its own."""
    place = plan.slots.index(slot)
    _, free = _slots_of(plan, slot.iteration, slot.layer)
    opening = Slot(slot.iteration, free, slot.layer, 0)
    return replace(plan, slots=(*plan.slots[:place], opening, *plan.slots[place:]))


def _slots_of(plan: Plan, iteration: int, layer: Layer) -> tuple[list[Slot], int]:
    """A layer's slots in an iteration, and the first position that none of them has."""
    slots = [slot for slot in plan.slots if (slot.iteration, slot.layer) == (iteration, layer)]
    return slots, max(slot.position for slot in slots) + 1


def without(plan: Plan, leaving: Container[tuple[Layer, int]], after: int) -> Plan:
    """The plan with the iterations beyond `after` ordered anew, without these (layer, case id).

    A layer that has no tool left to measure is not ordered at all.
    """
    staying = [case for case in plan.cases if (case.layer, case.id) not in leaving]
    layers = _layers(case for case in staying if case.kind is CaseKind.TOOL)
    staying = [case for case in staying if case.layer in layers]
    later = range(after + 1, plan.design.iterations + 1)
    kept = tuple(slot for slot in plan.slots if slot.iteration <= after)
    return replace(plan, slots=(*kept, *order(staying, plan.design, later)))


def duration_s(plan: Plan, slots: Sequence[Slot] | None = None) -> float:
    """Estimated seconds of these slots (default: all), from what cells and slots cost."""
    total = 0.0
    for slot in plan.slots if slots is None else slots:
        case = plan.case(slot.case_id, slot.layer)
        total += SLOT_OVERHEAD_S[case.kind] + plan.design.cooldown_s
        if case.kind is not CaseKind.BASELINE:
            total += plan.design.attribution_s
        total += sum(w.window_s + w.warmup_s + CELL_OVERHEAD_S for w in plan.workloads_of(case))
    return total
