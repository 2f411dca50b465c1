"""Nights on a real server, worker and lab: within their hours, one at a time, going on."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import Site, outcomes, passed

pytestmark = [pytest.mark.lab, pytest.mark.slow]
WINDOW_S = 50
"""A process needs 10 s to start; an iteration takes 16 s: two fit in, six do not."""


def night(site: Site, window_s: float = WINDOW_S) -> str:
    """What the schedule does, now; the flow run's id."""
    parameters = {**site.parameters(iterations=5, window_s=3), "window_h": window_s / 3600}
    answer = site.submit("nightly/nightly", **parameters)
    return str(answer.raise_for_status().json()["id"])


def measured(site: Site) -> list[Any]:
    return outcomes(site.folder / "results", "nightly-*")


def test_a_night_keeps_its_window_and_the_next_goes_on_with_what_is_left(site: Site) -> None:
    first = night(site)
    second = night(site)
    refused = site.ended(second, within_s=60)
    assert refused["state"]["type"] == "CANCELLED"
    assert "concurrency limit" in refused["state"]["message"]

    run = site.ended(first, within_s=150)
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert "the window ends at" in run["state"]["message"]
    assert "slots are left" in run["state"]["message"]
    kept = measured(site)
    over = datetime.fromisoformat(run["expected_start_time"]) + timedelta(seconds=WINDOW_S)
    assert 0 < len(passed(kept)) < 15
    assert max(one["ended"] for one in kept) < over.timestamp() + 1

    nights = [first]
    while "all is measured" not in site.run(nights[-1])["state"]["message"]:
        assert len(nights) < 4
        nights.append(night(site))
        assert site.ended(nights[-1], within_s=150)["state"]["type"] == "COMPLETED"
    assert len(list(site.folder.glob("results/*-nightly-*"))) == 1
    assert set(passed(measured(site)).values()) == {1}
    assert len(passed(measured(site))) == 15
    assert measured(site)[: len(kept)] == kept


def test_a_night_without_time_for_one_slot_measures_nothing_and_says_so(site: Site) -> None:
    before = len(measured(site))
    state = site.ended(night(site, window_s=2), within_s=90)["state"]
    assert (state["type"], "15 slots are left" in state["message"]) == ("COMPLETED", True), state
    assert len(measured(site)) == before
