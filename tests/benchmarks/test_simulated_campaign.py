"""The simulated campaign: what goes in comes out, by the real plan and the real decisions."""

from tasks.model.plan import Design
from tasks.planning.schedule import duration_s

from .simulated_campaign import Campaign, measured, plan_of

SMALL = Campaign(cost=lambda case, load: 10.0 if case == 0 else 0.0, cases=12)


def test_a_campaign_ends_when_all_is_decided_and_finds_the_cost_that_went_in() -> None:
    night = measured(SMALL, seed=1)
    costly = night.effects.filter(case="case_0")
    assert set(costly["verdict"]) == {"overhead"} and costly["covered"].all()
    assert night.effects.height == 12 * len(SMALL.workloads)
    assert 0 < night.hours < duration_s(plan_of(SMALL, seed=1)) / 3600


def test_a_fixed_design_takes_the_hours_that_were_planned() -> None:
    fixed = Campaign(cases=12, design=Design(1, 3))
    night = measured(fixed, seed=1)
    assert night.hours == duration_s(plan_of(fixed, seed=1)) / 3600
    assert not night.effects["decided"].any()
