"""The order of an iteration: cases permuted by a seed, baselines between them, placebos among them.

A baseline comes first, after every `baseline_every` cases, and last, so that every case has one on
each side. All workloads of a case run within one attach. Layers share hosts: one after the other.
"""

import random
from collections.abc import Callable, Container, Sequence
from dataclasses import replace

from ..model.environment import Layer
from ..model.plan import Case, CaseKind, Design, Plan, Slot, Workload

SLOT_OVERHEAD_S = {CaseKind.BASELINE: 0.3, CaseKind.PLACEBO: 4.0, CaseKind.TOOL: 6.0}
"""What a slot costs beside its cells: start, stop, collection. Measured in the lab."""

CELL_OVERHEAD_S = 0.25

REPEATED = 3
"""First attempt of a block that is run again; a cell that failed by chance has attempt 2."""


def with_references(
    cases: Sequence[Case], placebo_of: Callable[[Layer], Case], design: Design
) -> list[Case]:
    """The cases of all layers, with each layer's baseline (id 0) and placebos (ids after the last).

    placebo_of: a layer's placebo; its id and name are set here.
    """
    layers = sorted({case.layer for case in cases if not case.skipped}, key=list(Layer).index)
    last = max((case.id for case in cases), default=0)
    found = list(cases)
    for layer in layers:
        found.append(Case(0, "baseline", CaseKind.BASELINE, layer))
        for number in range(1, design.placebos + 1):
            named = replace(placebo_of(layer), id=last + number, name=f"placebo_{number}")
            found.append(replace(named, category="placebo"))
    return found


def order(cases: Sequence[Case], design: Design, iterations: range | None = None) -> list[Slot]:
    """Slots of these iterations (all of the design's if not given), from `with_references` cases.

    The same seed and cases give the same order; every iteration has an order of its own, which does
    not depend on which other iterations are asked for.
    """
    slots: list[Slot] = []
    layers = sorted({case.layer for case in cases if not case.skipped}, key=list(Layer).index)
    for iteration in range(1, design.iterations + 1) if iterations is None else iterations:
        for layer in layers:
            runnable = [
                case.id
                for case in cases
                if case.layer == layer and case.kind is not CaseKind.BASELINE and not case.skipped
            ]
            shuffled = sorted(runnable)
            random.Random(f"{design.seed}/{iteration}/{layer}").shuffle(shuffled)
            ids = [0]
            for place, case_id in enumerate(shuffled, 1):
                ids.append(case_id)
                if place % design.baseline_every == 0 and place < len(shuffled):
                    ids.append(0)
            ids.append(0)
            slots += [Slot(iteration, position, layer, id) for position, id in enumerate(ids)]
    return slots


def again(plan: Plan, iteration: int, layer: Layer, left: int, right: int) -> list[Slot]:
    """The block between two baselines once more, at the end of its iteration."""
    of_iteration = [s for s in plan.slots if (s.iteration, s.layer) == (iteration, layer)]
    free = max(slot.position for slot in of_iteration) + 1
    positions = [slot.position for slot in of_iteration]
    block = of_iteration[positions.index(left) : positions.index(right) + 1]
    return [
        replace(slot, position=free + place, attempt=REPEATED) for place, slot in enumerate(block)
    ]


def with_baseline_before(plan: Plan, slot: Slot) -> Plan:
    """The plan with one more baseline right before the slot, at a position of its own."""
    place = plan.slots.index(slot)
    alike = [s for s in plan.slots if (s.iteration, s.layer) == (slot.iteration, slot.layer)]
    free = max(s.position for s in alike) + 1
    opening = Slot(slot.iteration, free, slot.layer, 0)
    return replace(plan, slots=(*plan.slots[:place], opening, *plan.slots[place:]))


def without(plan: Plan, leaving: Container[tuple[Layer, int]], after: int) -> Plan:
    """The plan whose iterations beyond `after` are ordered anew without these (layer, case id)."""
    staying = [case for case in plan.cases if (case.layer, case.id) not in leaving]
    measured = [case for case in staying if case.kind is CaseKind.TOOL and not case.skipped]
    layers = {case.layer for case in measured}
    staying = [case for case in staying if case.layer in layers]
    later = range(after + 1, plan.design.iterations + 1)
    kept = tuple(slot for slot in plan.slots if slot.iteration <= after)
    return replace(plan, slots=(*kept, *order(staying, plan.design, later)))


def make_plan(
    environment: str,
    cases: Sequence[Case],
    placebo_of: Callable[[Layer], Case],
    workloads: tuple[Workload, ...],
    design: Design,
) -> Plan:
    """The whole plan of an environment."""
    all_cases = with_references(cases, placebo_of, design)
    return Plan(environment, design, workloads, tuple(all_cases), tuple(order(all_cases, design)))


def duration_s(plan: Plan, slots: Sequence[Slot] | None = None) -> float:
    """How long these slots (all if not given) will take, from what cells and slots cost."""
    total = 0.0
    for slot in plan.slots if slots is None else slots:
        case = plan.case(slot.case_id, slot.layer)
        total += SLOT_OVERHEAD_S[case.kind] + plan.design.cooldown_s
        if case.kind is not CaseKind.BASELINE:
            total += plan.design.attribution_s
        total += sum(w.window_s + w.warmup_s + CELL_OVERHEAD_S for w in plan.workloads_of(case))
    return total
