"""Takes the pictures of the README, all from one demo: `make pictures` (root, Debian's chromium).

It starts Prefect as `ebpf-overhead ui` does, with its state in a temporary folder, runs the
deployment lab-demo, and photographs its report, its run and the form: light and dark, the report in
both languages.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).resolve().parent
SCHEMES = ("light", "dark")
LANGUAGES = ("en", "zh")
REPORT = {"width": 1280, "height": 1000}
UI = {"width": 1400, "height": 900}
_DRAWN_MS = 4000
"""The graph draws itself, and the form fades in."""
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        with _prefect(home) as address:
            run = _demo(address, home)
            with _chromium() as browser:
                for scheme in SCHEMES:
                    _report(browser, scheme, home / "reports")
                    _iteration_page(browser, scheme, address, run)
                    _form(browser, scheme, address)


@contextmanager
def _prefect(home: Path) -> Iterator[str]:
    """The address of a server with worker and deployments, which ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = {**os.environ, "XDG_STATE_HOME": str(home / "state")}
    command = [sys.executable, "-m", "flows.cli", "ui", "--output-dir", str(home / "reports")]
    try:
        subprocess.run([*command, "--port", str(port)], env=here, check=True)
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run([*command, "--stop"], env=here, check=False)


def _demo(address: str, home: Path) -> str:
    """Runs the deployment lab-demo to its end; returns the id of the flow run."""
    api = httpx.Client(base_url=f"{address}/api", timeout=30)
    deployment = api.get("/deployments/name/lab-demo/lab-demo").raise_for_status().json()["id"]
    folders = {"results_dir": "results", "datasets": "datasets", "output": "reports"}
    parameters = {key: str(home / name) for key, name in folders.items()}
    body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    path = f"/deployments/{deployment}/create_flow_run"
    run: str = api.post(path, json=body).raise_for_status().json()["id"]
    while True:
        state: dict[str, Any] = api.get(f"/flow_runs/{run}").raise_for_status().json()["state"]
        if state["type"] in _ENDED:
            break
        time.sleep(2)
    if state["type"] != "COMPLETED":
        sys.exit(f"lab-demo ended {state['name']}: {state['message']}")
    return run


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def _report(browser: Browser, scheme: str, reports: Path) -> None:
    """The first screen of the report."""
    for language in LANGUAGES:
        (report,) = reports.glob(f"*/report.{language}.html")
        page = _page(browser, scheme, REPORT)
        page.goto(report.as_uri())
        page.screenshot(path=FOLDER / f"report.{language}.{scheme}.png")


def _iteration_page(browser: Browser, scheme: str, address: str, run: str) -> None:
    page = _ui_page(browser, scheme)
    api = httpx.Client(base_url=f"{address}/api", timeout=30)
    page.goto(f"{address}/runs/flow-run/{_iteration(api, run)}")
    page.get_by_text("Completed").first.wait_for(timeout=60_000)
    page.wait_for_timeout(_DRAWN_MS)
    page.screenshot(path=FOLDER / f"ui-run.{scheme}.png")


def _form(browser: Browser, scheme: str, address: str) -> None:
    """The form that starts a campaign."""
    page = _ui_page(browser, scheme)
    api = httpx.Client(base_url=f"{address}/api", timeout=30)
    campaign = api.get("/deployments/name/campaign/campaign").raise_for_status().json()["id"]
    page.goto(f"{address}/deployments/deployment/{campaign}/run")
    page.get_by_text("If another run holds a host").wait_for(timeout=60_000)
    page.wait_for_timeout(_DRAWN_MS)
    page.screenshot(path=FOLDER / f"ui-form.{scheme}.png")


def _ui_page(browser: Browser, scheme: str) -> Page:
    page = _page(browser, scheme, UI)
    page.add_init_script(f"localStorage.setItem('color-scheme', '\"{scheme}\"')")
    return page


def _iteration(api: httpx.Client, run: str) -> str:
    """The flow run of the first iteration below this run."""
    parents = [run]
    while parents:
        query = {"flow_runs": {"parent_flow_run_id": {"any_": parents}}}
        below = api.post("/flow_runs/filter", json=query).raise_for_status().json()
        for one in below:
            if "iteration 1" in one["name"]:
                return str(one["id"])
        parents = [one["id"] for one in below]
    raise LookupError(f"no iteration below {run}")


def _page(browser: Browser, scheme: str, size: Any) -> Page:
    return browser.new_page(
        viewport=size, color_scheme="dark" if scheme == "dark" else "light", device_scale_factor=1
    )


if __name__ == "__main__":
    main()
