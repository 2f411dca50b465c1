"""Nightly runs on a real server, worker and lab: within their hours, one at a time, resumed."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from tasks.lab import lifecycle

from .conftest import NAME, Site, outcomes, passed

pytestmark = [pytest.mark.lab, pytest.mark.slow]
WINDOW_S = 50
"""A process needs 5 to 10 s to start, an iteration 13 to 16 s: two of them fit in, six do not."""
SLOTS = 18


@pytest.fixture(scope="module")
def both(site: Site) -> list[str]:
    """Two environments on the same hosts, measured one after the other."""
    first = site.folder / "config" / NAME
    text = lifecycle.up(NAME).minimal_input.read_text()
    minimal = site.folder / "second.yaml"
    minimal.write_text(re.sub(r"(?m)^environment:.*", "environment: second", text))
    second = first.with_name("second")
    found = site.command("bootstrap", "--minimal-input", str(minimal), "--output-dir", str(second))
    assert found.returncode == 0, found.stderr
    return [str(first), str(second)]


def night(site: Site, both: list[str], window_s: float = WINDOW_S) -> str:
    """Starts a nightly run as the schedule does; returns the flow run's id."""
    settings = {**site.parameters(iterations=3, window_s=3), "environments": both}
    answer = site.submit("nightly/nightly", **settings, window_h=window_s / 3600)
    return str(answer.raise_for_status().json()["id"])


def measured(site: Site) -> list[Any]:
    return sorted(outcomes(site.folder / "results", "nightly-*"), key=lambda one: one["started"])


def test_a_night_too_short_for_one_slot_measures_nothing_and_says_so(
    site: Site, both: list[str]
) -> None:
    state = site.ended(night(site, both, window_s=2), within_s=90)["state"]
    assert (state["type"], state["message"].count("9 slots are left")) == ("COMPLETED", 2), state
    assert measured(site) == []


def test_a_night_ends_with_its_window_and_the_next_one_resumes_it(
    site: Site, both: list[str]
) -> None:
    first = night(site, both)
    site.left_the_queue(first)  # else the worker may take either of the two first
    second = night(site, both)
    refused = site.ended(second, within_s=60)["state"]
    assert (refused["type"], "concurrency limit" in refused["message"]) == ("CANCELLED", True)

    run = site.ended(first, within_s=150)
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert "second: the window ends at" in run["state"]["message"]
    kept = measured(site)
    over = datetime.fromisoformat(run["expected_start_time"]) + timedelta(seconds=WINDOW_S)
    assert 0 < len(passed(kept)) < SLOTS
    assert max(one["ended"] for one in kept) < over.timestamp() + 1

    nights = [first]
    while "all is measured" not in site.run(nights[-1])["state"]["message"]:
        assert len(nights) < 5
        nights.append(night(site, both))
        assert site.ended(nights[-1], within_s=150)["state"]["type"] == "COMPLETED"
    assert len(list(site.folder.glob("results/*-nightly-*"))) == 1
    assert set(passed(measured(site)).values()) == {1}
    assert len(passed(measured(site))) == SLOTS
    assert measured(site)[: len(kept)] == kept
