"""Stopped, killed and resumed from Prefect, on a real server, worker and lab."""

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from .conftest import Site, passed, remote_programs, wait_for, with_variable

pytestmark = [pytest.mark.lab, pytest.mark.slow]
OUTAGE_S = 200
"""Longer than a heartbeat may be missing, and than Prefect's default memory of it."""
AWAY_S = 110
"""Longer than Prefect's clients ask for a server by themselves."""


def test_cancelling_ends_remote_programs_and_a_retry_measures_nothing_twice(site: Site) -> None:
    id = site.start(**site.parameters(iterations=3, window_s=6))
    wait_for("two cells", 120, lambda: len(site.outcomes(id)) >= 2)
    wait_for("a load", 30, lambda: remote_programs(id))
    site.set_state(id, "CANCELLING", "Cancelling")
    assert wait_for("clean hosts", 10, lambda: not remote_programs(id)) < 10
    assert site.ended(id)["state"]["type"] == "CANCELLED"
    kept = [one for one in site.outcomes(id) if one["status"] == "passed"]
    assert kept

    site.set_state(id, "SCHEDULED", "AwaitingRetry")
    wait_for("the retry", 60, lambda: site.run(id)["state"]["type"] not in {"CANCELLED"})
    assert site.ended(id)["state"]["type"] == "COMPLETED"
    assert set(passed(site.outcomes(id)).values()) == {1}
    assert all(one in site.outcomes(id) for one in kept)


def test_suspending_frees_the_hosts_and_resuming_measures_nothing_twice(site: Site) -> None:
    id = site.start(**site.parameters(iterations=3, window_s=4))
    wait_for("two cells", 120, lambda: len(site.outcomes(id)) >= 2)
    timeout = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    site.set_state(id, "PAUSED", "Suspended", pause_timeout=timeout, pause_reschedule=True)
    wait_for("the process's end", 60, lambda: not with_variable("PREFECT__FLOW_RUN_ID=", id))
    assert not remote_programs(id)
    assert site.run(id)["state"]["name"] == "Suspended"
    kept = site.outcomes(id)
    other = site.start(when_busy="refuse")
    assert site.ended(other)["state"]["type"] == "COMPLETED"

    assert site.found(f"/flow_runs/{id}/resume")["status"] == "ACCEPT"
    assert site.ended(id)["state"]["type"] == "COMPLETED"
    assert site.outcomes(id)[: len(kept)] == kept
    assert set(passed(site.outcomes(id)).values()) == {1}
    assert len(passed(site.outcomes(id))) == 9


def test_runs_that_died_with_the_server_are_found_and_resumed(site: Site) -> None:
    id = site.start(**site.parameters(iterations=1, window_s=10))
    wait_for("a sign of life", 90, lambda: _heard_of(site, id))
    wait_for("a load", 90, lambda: remote_programs(id))
    never_heard_of = _begun(site)
    for pid in _processes_of(site, id):
        os.kill(pid, signal.SIGKILL)
    assert wait_for("clean hosts", 15, lambda: not remote_programs(id)) < 15
    _kill_the_server(site)
    time.sleep(OUTAGE_S)
    site.up()

    for dead in (id, never_heard_of):
        crashed = site.ended(dead, within_s=60)["state"]
        assert crashed["type"] == "CRASHED", crashed
        assert "retry" in crashed["message"]
    site.set_state(id, "SCHEDULED", "AwaitingRetry")
    wait_for("the retry", 60, lambda: site.run(id)["state"]["type"] != "CRASHED")
    assert site.ended(id, within_s=200)["state"]["type"] == "COMPLETED"


def test_a_run_waits_between_iterations_for_a_server_that_is_away(site: Site) -> None:
    id = site.start(**site.parameters(iterations=3, window_s=4))
    wait_for("a cell", 120, lambda: site.outcomes(id))
    _kill_the_server(site)
    time.sleep(AWAY_S)
    kept = site.outcomes(id)
    assert {one["key"]["iteration"] for one in kept} == {1}
    site.up()

    wait_for("the next iteration", 2 * AWAY_S, lambda: len(site.outcomes(id)) > len(kept))
    wait_for("the end", 200, lambda: site.run(id)["state"]["type"] == "COMPLETED")
    assert site.outcomes(id)[: len(kept)] == kept
    assert set(passed(site.outcomes(id)).values()) == {1}
    assert len(passed(site.outcomes(id))) == 9


def _kill_the_server(site: Site) -> None:
    server = json.loads((site.state / "server.json").read_text())["pid"]
    os.kill(server, signal.SIGKILL)
    wait_for("the server's end", 10, lambda: not _answers(site))


def _begun(site: Site) -> str:
    """A flow run that has begun, and whose process died before its first sign of life."""
    flow = site.deployment("campaign/campaign")["flow_id"]
    pending = {"type": "PENDING", "name": "Pending"}
    run = site.found("/flow_runs/", flow_id=flow, name="never heard of", state=pending)
    site.set_state(run["id"], "RUNNING", "Running")
    return str(run["id"])


def _processes_of(site: Site, id: str) -> list[int]:
    """The worker, and whatever it started for that flow run."""
    worker = json.loads((site.state / "worker.json").read_text())["pid"]
    return [worker, *with_variable("PREFECT__FLOW_RUN_ID=", id)]


def _heard_of(site: Site, id: str) -> bool:
    """Whether the server has recorded that the run's process lives."""
    wanted = {
        "event": {"name": ["prefect.flow-run.heartbeat"]},
        "resource": {"id": [f"prefect.flow-run.{id}"]},
    }
    return bool(site.found("/events/filter", filter=wanted)["events"])


def _answers(site: Site) -> bool:
    try:
        return httpx.get(f"{site.address}/api/health", timeout=2).is_success
    except httpx.HTTPError:
        return False
