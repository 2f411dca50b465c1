"""Runs deployed, started and followed in Prefect, on a real server, worker and lab."""

import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.server import deploy
from flows.server.heartbeat_automation import WATCHED
from tasks.lab import lifecycle
from tasks.model.errors import InputError
from tasks.model.names import ROOT

from .conftest import NAME, Site, remote_programs, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow]
SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="module")
def finished(site: Site) -> str:
    """A campaign that was started as from the form, and has ended."""
    id = site.start(**site.parameters(iterations=2))
    state = site.ended(id)["state"]
    assert state["type"] == "COMPLETED", state
    return id


def test_a_second_start_finds_everything_running(site: Site) -> None:
    output = site.up()
    assert "runs already" in output
    assert f"open {site.address}" in output


def test_the_deployments_are_described_tagged_and_have_the_commit_as_version(site: Site) -> None:
    found = {name: site.deployment(name) for name in (
        "campaign/campaign", "nightly/nightly", "analysis/analysis", "lab-demo/lab-demo"
    )}  # fmt: skip
    assert all(one["description"] and one["tags"] and one["version"] for one in found.values())
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    assert all(one["version"].startswith(commit) for one in found.values())
    assert all(one["status"] == "READY" for one in found.values())  # a worker polls for its runs


def test_the_nightly_deployment_has_a_time_zone_and_runs_once_at_a_time(site: Site) -> None:
    nightly = site.deployment("nightly/nightly")
    (schedule,) = nightly["schedules"]
    assert schedule["schedule"]["cron"] == "0 23 * * *"
    assert schedule["schedule"]["timezone"] == "Asia/Shanghai"
    assert nightly["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert nightly["global_concurrency_limit"]["limit"] == 1


def test_deploying_again_keeps_what_was_set_in_the_ui(site: Site) -> None:
    nightly = site.deployment("nightly/nightly")
    path, (shipped,) = f"/deployments/{nightly['id']}", nightly["schedules"]
    saturdays = {"schedule": {"cron": "0 3 * * 6", "timezone": "Asia/Shanghai"}, "active": False}
    site.change(path, parameters={**nightly["parameters"], "environments": [NAME]})
    site.change(f"{path}/schedules/{shipped['id']}", active=True)
    (added,) = site.ask(f"{path}/schedules", [saturdays]).raise_for_status().json()
    try:
        assert site.command("deploy").returncode == 0
        after = site.deployment("nightly/nightly")
    finally:
        for schedule in site.deployment("nightly/nightly")["schedules"]:
            site.change(f"{path}/schedules/{schedule['id']}", active=False)
    assert after["parameters"] == {"window_h": 7, "when_busy": "wait", "environments": [NAME]}
    switches = {one["schedule"]["cron"]: one["active"] for one in after["schedules"]}
    assert switches == {"0 23 * * *": True, "0 3 * * 6": False}
    assert added["schedule"]["cron"] in switches


def test_deploying_again_recreates_a_deleted_pool(site: Site) -> None:
    at, pool = f"{site.address}/api", "/work_pools/a-site"
    deploy.deploy(at, "a-site")
    httpx.delete(at + pool, timeout=30).raise_for_status()
    deploy.deploy(at, "a-site")
    assert site.deployment("campaign/campaign-a-site")["work_pool_name"] == "a-site"


def test_a_pool_of_another_type_is_refused(site: Site) -> None:
    site.found("/work_pools/", name="containers", type="docker")
    with pytest.raises(InputError, match="the work pool containers is of type docker"):
        deploy.deploy(f"{site.address}/api", "containers")


def test_deploying_again_changes_nothing(site: Site) -> None:
    before = site.found("/deployments/filter")
    assert site.command("deploy").returncode == 0
    after = site.found("/deployments/filter")
    assert sorted(one["id"] for one in before) == sorted(one["id"] for one in after)
    automations = Counter(one["name"] for one in site.found("/automations/filter"))
    assert {name: automations[name] for name in WATCHED} == dict.fromkeys(WATCHED, 1)


def test_a_missing_block_is_named(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "prefect.yaml"
    wanted = 'datasets: "{{ prefect.blocks.secret.store }}"'
    file.write_text(deploy.PREFECT_FILE.read_text().replace("window_h: 7", wanted))
    monkeypatch.setattr(deploy, "PREFECT_FILE", file)
    with pytest.raises(InputError, match=r"prefect\.blocks\.secret\.store: no such block"):
        deploy.deploy(f"{site.address}/api")


def test_the_form_has_choices_limits_and_help_texts(site: Site) -> None:
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
def test_an_invalid_value_is_refused_before_a_run_is_created(
    site: Site, wrong: dict[str, Any]
) -> None:
    answer = site.submit("campaign/campaign", **wrong)
    assert answer.status_code == 409, answer.text


def test_an_unknown_environment_fails_the_run_and_is_named(site: Site) -> None:
    state = site.ended(site.start(environments=["nowhere"]))["state"]
    assert state["type"] == "FAILED"
    assert "environments: nowhere: no such environment" in state["message"]


def test_runs_have_readable_names_on_every_level(site: Site, finished: str) -> None:
    assert site.run(finished)["name"] == f"campaign · {NAME}"
    names = [run["name"] for run in site.inside(finished)]
    assert f"campaign · {NAME} · iteration 1/2" in names
    tasks = site.found("/task_runs/filter", flow_runs={"name": {"like_": "iteration 1/2"}})
    assert f"{NAME} · iteration 1 · rx_size_histogram" in {task["name"] for task in tasks}


def test_progress_verdicts_and_findings_are_artifacts(site: Site, finished: str) -> None:
    found = site.artifacts(finished)
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
        page = browser.new_page(viewport={"width": 1400, "height": 1000}, color_scheme="light")
        page.add_init_script("localStorage.setItem('color-scheme', '\"light\"')")
        page.goto(f"{site.address}/runs/flow-run/{finished}")
        page.get_by_text("Completed").first.wait_for(timeout=60_000)
        page.get_by_text(NAME).first.wait_for()
        page.wait_for_timeout(3000)  # the graph draws itself
        page.screenshot(path=SCREENSHOTS / "ui-run.png")
        page.goto(f"{site.address}/{form}")
        page.get_by_text("If another run holds a host").wait_for(timeout=60_000)
        page.screenshot(path=SCREENSHOTS / "ui-form.png", full_page=True)
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


def test_the_lab_demo_starts_a_lab_measures_reports_and_removes_the_lab(site: Site) -> None:
    settings = site.parameters()
    settings["measurement"]["window_s"] = 1
    chosen = {key: settings[key] for key in ("measurement", "results_dir", "datasets", "output")}
    answer = site.submit("lab-demo/lab-demo", name="demoed", layers=["host"], **chosen)
    id = answer.raise_for_status().json()["id"]
    assert site.ended(id, within_s=200)["state"]["type"] == "COMPLETED"
    assert site.run(id)["name"] == "lab-demo · demoed"
    assert {one["key"]["case"] for one in site.outcomes(id)} > {"baseline", "rx_stack_counts"}
    assert {"progress-demoed", "verdicts", "findings"} <= site.artifacts(id).keys()
    assert "demoed" not in {state.name for state in lifecycle.status()}
