"""Started, watched, stopped and gone on with from Prefect, on a real server, worker and lab."""

import json
import os
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import NAME, Site, remote_programs, wait_for, with_variable

from flows import deploy
from tasks.model.errors import InputError
from tasks.model.names import ROOT

pytestmark = [pytest.mark.lab, pytest.mark.slow]
SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="module")
def finished(site: Site) -> str:
    """A campaign that was started as the form starts one, and has ended."""
    id = site.start()
    state = site.ended(id)["state"]
    assert state["type"] == "COMPLETED", state
    return id


def test_a_second_call_finds_everything_running(site: Site) -> None:
    said = site.up()
    assert "runs already" in said
    assert f"open {site.address}" in said


def test_the_deployments_are_described_tagged_and_have_the_commit_as_version(site: Site) -> None:
    found = {name: site.deployment(name) for name in (
        "campaign/campaign", "nightly/nightly", "analysis/analysis", "lab-demo/lab-demo"
    )}  # fmt: skip
    assert all(one["description"] and one["tags"] and one["version"] for one in found.values())
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    assert all(one["version"].startswith(commit) for one in found.values())
    assert all(one["status"] == "READY" for one in found.values())  # a worker asks for its runs


def test_a_night_has_its_time_zone_and_never_runs_twice_at_once(site: Site) -> None:
    nightly = site.deployment("nightly/nightly")
    (schedule,) = nightly["schedules"]
    assert schedule["schedule"]["cron"] == "0 23 * * *"
    assert schedule["schedule"]["timezone"] == "Asia/Shanghai"
    assert nightly["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert nightly["global_concurrency_limit"]["limit"] == 1


def test_deploying_again_changes_nothing(site: Site) -> None:
    before = site.found("/deployments/filter")
    assert site.command("deploy").returncode == 0
    after = site.found("/deployments/filter")
    assert sorted(one["id"] for one in before) == sorted(one["id"] for one in after)
    automations = Counter(one["name"] for one in site.found("/automations/filter"))
    assert automations["dead runs of ebpf-overhead"] == 1


def test_a_block_that_is_missing_is_named(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "prefect.yaml"
    wanted = 'datasets: "{{ prefect.blocks.secret.store }}"'
    file.write_text(deploy.PREFECT_FILE.read_text().replace("window_h: 7", wanted))
    monkeypatch.setattr(deploy, "PREFECT_FILE", file)
    with pytest.raises(InputError, match=r"prefect\.blocks\.secret\.store: no such block"):
        deploy.deploy(f"{site.address}/api")


def test_the_form_has_choices_limits_and_help(site: Site) -> None:
    form = site.deployment("campaign/campaign")["parameter_openapi_schema"]
    models = form["definitions"]
    assert models["WhenBusy"]["enum"] == ["wait", "refuse"]
    assert models["Layer"]["enum"] == ["host", "vm"]
    assert models["Measurement"]["properties"]["iterations"]["maximum"] == 100
    help_texts = [part.get("description") for part in form["properties"].values()]
    assert all(help_texts)


@pytest.mark.parametrize(
    "wrong",
    [
        {"measurement": {"iterations": 0}},
        {"measurement": {"iterationen": 3}},
        {"selection": {"protocol": "sctp"}},
        {"when_busy": "perhaps"},
        {"run": "../elsewhere"},
    ],
)
def test_a_wrong_value_is_refused_before_a_run_is_made(site: Site, wrong: dict[str, Any]) -> None:
    answer = site.submit("campaign/campaign", **wrong)
    assert answer.status_code == 409, answer.text


def test_an_unknown_environment_ends_the_run_with_that_sentence(site: Site) -> None:
    state = site.ended(site.start(environments=["nowhere"]))["state"]
    assert state["type"] == "FAILED"
    assert "environments: nowhere: no such environment" in state["message"]


def test_runs_have_readable_names_on_every_level(site: Site, finished: str) -> None:
    assert site.run(finished)["name"] == f"campaign · {NAME}"
    names = [run["name"] for run in site.inside(finished)]
    assert f"campaign · {NAME} · iteration 1/1" in names
    tasks = site.found("/task_runs/filter", flow_runs={"name": {"like_": "iteration 1/1"}})
    assert f"{NAME} · iteration 1 · rx_size_histogram" in {task["name"] for task in tasks}


def test_progress_verdicts_and_findings_are_artifacts(site: Site, finished: str) -> None:
    runs = [finished, *(run["id"] for run in site.inside(finished))]
    found = {
        artifact["key"]: artifact
        for artifact in site.found(
            "/artifacts/filter", artifacts={"flow_run_id": {"any_": runs}}
        )
    }  # fmt: skip
    assert float(found[f"progress-{NAME}"]["data"]) == 100
    assert "rx_size_histogram" in found["verdicts"]["data"]
    assert found["findings"]["data"]
    link = found["verdicts"]["data"].split("](")[1].split(")")[0]
    assert "<html" in httpx.get(link, timeout=10).raise_for_status().text


def test_a_browser_shows_the_run_and_the_form(site: Site, finished: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("chromium is not installed")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    form = f"deployments/deployment/{site.deployment('campaign/campaign')['id']}/run"
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{site.address}/runs/flow-run/{finished}")
        page.get_by_text("Completed").first.wait_for(timeout=60_000)
        page.get_by_text(NAME).first.wait_for()
        page.wait_for_timeout(3000)  # the graph draws itself
        page.screenshot(path=SCREENSHOTS / "ui.run.png")
        page.goto(f"{site.address}/{form}")
        page.get_by_text("If another run holds a host").wait_for(timeout=60_000)
        page.screenshot(path=SCREENSHOTS / "ui.form.png", full_page=True)
        browser.close()


def test_a_second_run_on_the_same_hosts_waits_and_says_why_or_is_refused(site: Site) -> None:
    first = site.start(**site.parameters(iterations=4, window_s=4))
    wait_for("a load", 90, lambda: remote_programs(first))
    second, third = site.start(when_busy="wait"), site.start(when_busy="refuse")

    def waits() -> bool:
        states = [run["state"] for run in site.inside(second)]
        return any(s["name"] == "Waiting" and "busy, held by" in s["message"] for s in states)

    wait_for("the second run waiting", 90, waits)
    refused = site.ended(third)["state"]
    assert (refused["type"], "busy, held by" in refused["message"]) == ("FAILED", True)
    site.set_state(first, "CANCELLING", "Cancelling")
    assert site.ended(second)["state"]["type"] == "COMPLETED"


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
    passed = Counter(
        (one["key"]["iteration"], one["key"]["position"])
        for one in site.outcomes(id)
        if one["status"] == "passed"
    )
    assert set(passed.values()) == {1}
    assert all(one in site.outcomes(id) for one in kept)


def test_a_killed_worker_and_a_restarted_server_leave_free_hosts_and_a_run_to_retry(
    site: Site,
) -> None:
    id = site.start(**site.parameters(iterations=1, window_s=10))
    wait_for("a sign of life", 90, lambda: _heard_of(site, id))
    wait_for("a load", 90, lambda: remote_programs(id))
    for pid in _processes_of(site, id):
        os.kill(pid, signal.SIGKILL)
    assert wait_for("clean hosts", 15, lambda: not remote_programs(id)) < 15
    server = json.loads((site.state / "server.json").read_text())["pid"]
    os.kill(server, signal.SIGKILL)
    wait_for("the server's end", 10, lambda: not _answers(site))
    site.up()

    crashed = site.ended(id, within_s=150)["state"]
    assert crashed["type"] == "CRASHED", crashed
    assert "retry" in crashed["message"]
    site.set_state(id, "SCHEDULED", "AwaitingRetry")
    wait_for("the retry", 60, lambda: site.run(id)["state"]["type"] != "CRASHED")
    assert site.ended(id, within_s=200)["state"]["type"] == "COMPLETED"


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
