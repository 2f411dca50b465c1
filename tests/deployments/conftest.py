"""A real Prefect server and worker with the real deployments, as `ebpf-overhead ui` starts them,
and a lab to measure on."""

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks.lab import lifecycle
from tasks.lab.requirements import missing

NAME = "rack-a"
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True)
class Site:
    """A running server, the requests that the UI sends to it, and the folders of its results."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> Path:
        return self.folder / "state" / "ebpf-overhead"

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs `ebpf-overhead` with the state folder of this site."""
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *words],
            capture_output=True, text=True, timeout=200, check=False,
            env={**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), **environment},
        )  # fmt: skip

    def up(self) -> str:
        done = self.command(
            "ui", "--port", str(self.port), "--output-dir", str(self.folder / "reports")
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.address}/api{path}", timeout=30).raise_for_status().json()

    def ask(self, path: str, body: Any) -> httpx.Response:
        """Posts a request; repeats it while the server answers 503 because SQLite is busy."""
        until = time.monotonic() + 20
        while True:
            answer = httpx.post(f"{self.address}/api{path}", json=body, timeout=30)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > until:
                return answer
            time.sleep(0.5)

    def found(self, path: str, **body: Any) -> Any:
        return self.ask(path, body).raise_for_status().json()

    def change(self, path: str, **body: Any) -> None:
        httpx.patch(f"{self.address}/api{path}", json=body, timeout=30).raise_for_status()

    def deployment(self, name: str) -> Any:
        return self.get(f"/deployments/name/{name}")

    def submit(self, deployment: str, /, **parameters: Any) -> httpx.Response:
        """Sends what the form's Submit button sends."""
        path = f"/deployments/{self.deployment(deployment)['id']}/create_flow_run"
        return self.ask(path, {"parameters": parameters, "state": {"type": "SCHEDULED"}})

    def start(self, **more: Any) -> str:
        """Starts a short campaign on the lab; returns the flow run's id."""
        answer = self.submit("campaign/campaign", **{**self.parameters(), **more})
        return str(answer.raise_for_status().json()["id"])

    def parameters(self, iterations: int = 1, window_s: int = 2) -> dict[str, Any]:
        return {
            "environments": [str(self.folder / "config" / NAME)],
            "selection": {"tools": ["rx_size_histogram"]},
            "measurement": {
                "iterations": iterations, "window_s": window_s, "warmup_s": 0, "placebos": 0,
                "workloads": ["latency_tcp_rr"], "attribution_s": 0, "monitor_interval_s": 1,
                "max_load": 64,
            },
            "languages": ["en"],
            "results_dir": str(self.folder / "results"),
            "datasets": str(self.folder / "datasets"),
            "output": str(self.folder / "reports"),
        }  # fmt: skip

    def run(self, id: str) -> Any:
        return self.get(f"/flow_runs/{id}")

    def set_state(self, id: str, type: str, name: str, **details: Any) -> None:
        """Sends what the buttons Cancel, Suspend and Retry send."""
        state = {"type": type, "name": name, "state_details": details}
        answer = self.found(f"/flow_runs/{id}/set_state", state=state)
        assert answer["status"] == "ACCEPT", answer

    def ended(self, id: str, within_s: float = 120.0) -> Any:
        """Waits until the flow run has ended; returns it."""
        until = time.monotonic() + within_s
        while (run := self.run(id))["state"]["type"] not in FINAL:
            assert time.monotonic() < until, f"still {run['state']} after {within_s} s"
            time.sleep(0.5)
        return run

    def left_the_queue(self, id: str, within_s: float = 60.0) -> None:
        """Waits until a worker has taken the flow run."""
        until = time.monotonic() + within_s
        while self.run(id)["state"]["type"] == "SCHEDULED":
            assert time.monotonic() < until, f"still scheduled after {within_s} s"
            time.sleep(0.2)

    def inside(self, id: str) -> list[Any]:
        """All flow runs below this one, level by level."""
        below, parents = [], [id]
        while parents:
            level = self.found(
                "/flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": parents}}
            )
            below += level
            parents = [run["id"] for run in level]
        return below

    def artifacts(self, id: str) -> dict[str, Any]:
        """The artifacts of that flow run and those below it, by key."""
        runs = [id, *(run["id"] for run in self.inside(id))]
        found = self.found("/artifacts/filter", artifacts={"flow_run_id": {"any_": runs}})
        return {artifact["key"]: artifact for artifact in found}

    def outcomes(self, id: str) -> list[Any]:
        """The outcomes in that run's journal so far."""
        return outcomes(self.folder / "results", id.replace("-", "")[-8:])


def outcomes(results: Path, mark: str) -> list[Any]:
    """The outcomes in the journals of runs with that mark so far."""
    journals = results.glob(f"*-{mark}/*/outcomes.jsonl")
    return [json.loads(line) for file in journals for line in file.read_text().splitlines()]


def passed(outcomes: list[Any]) -> Counter[tuple[str, int, int]]:
    """How often the cells at each (environment, iteration, position) passed."""
    return Counter(
        (one["key"]["environment"], one["key"]["iteration"], one["key"]["position"])
        for one in outcomes
        if one["status"] == "passed"
    )


def with_variable(prefix: str, end: str) -> list[int]:
    """Processes of this machine and its labs with an environment variable of that form."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if any(v.startswith(prefix) and v.endswith(end) for v in variables):
            found.append(int(entry.name))
    return found


def remote_programs(id: str) -> list[int]:
    """Processes that this flow run's campaign started on hosts."""
    return with_variable("EBPF_OVERHEAD_RUN=", id.replace("-", "")[-8:])


def wait_for(what: str, within_s: float, condition: Any) -> float:
    """Waits until the condition is true; returns the seconds that it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < within_s, f"not within {within_s} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - begun


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if lacking := missing(("host",), "bridge"):
        pytest.skip("; ".join(lacking))
    site = Site(tmp_path_factory.mktemp("deployed"), free_port())
    minimal_input = str(lifecycle.up(NAME).minimal_input)
    try:
        config = str(site.folder / "config" / NAME)
        found = site.command("bootstrap", "--minimal-input", minimal_input, "--output-dir", config)
        assert found.returncode == 0, found.stderr
        site.up()
        yield site
    finally:
        stopped = site.command("ui", "--stop")
        lifecycle.down(NAME)
    assert stopped.returncode == 0, stopped.stderr
    assert "stopped the server" in stopped.stdout
