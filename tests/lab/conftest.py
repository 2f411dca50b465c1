"""Shared by the lab's tests: a shell on a lab host, and the traces that a lab could leave."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from tasks.lab.state import LabHost, LabState, link_prefix

Shell = Callable[[LabState, str, str], str]


@pytest.fixture(autouse=True)
def _needs_root(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("lab") and os.geteuid() != 0:
        pytest.skip("the lab needs root")


@pytest.fixture(scope="session")
def shell() -> Shell:
    """Runs a command on a lab host by name, over SSH with the pinned keys; returns its output."""

    def run(lab: LabState, name: str, command: str) -> str:
        options = ["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        files = ["-i", str(lab.identity), "-o", f"UserKnownHostsFile={lab.known_hosts}"]
        host = host_of(lab, name)
        target = ["-p", str(host.port), f"root@{host.address}"]
        done = subprocess.run(
            ["ssh", *options, *files, *target, command],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def overhead(
    home: Path, *words: object, timeout_s: float = 400
) -> "subprocess.CompletedProcess[str]":
    """Runs the command line with its own PREFECT_HOME in `home`."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *(str(word) for word in words)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "PREFECT_HOME": str(home / "prefect")},
    )


def input_with_tools(
    home: Path, state: LabState, scripts: Mapping[str, str], probe: str = "tracepoint"
) -> Path:
    """A minimal-input.yaml below `home` whose tools are these shell scripts alone, by name. Each
    runs one BPF program on a probe of that kind."""
    document = yaml.safe_load(state.minimal_input.read_text())
    placebo = Path(document["tools"]["directory"]) / "placebo.sh"
    folder = home / "tools" / "own" / "tools"
    folder.mkdir(parents=True)
    (home / "tools" / placebo.name).write_text(placebo.read_text())
    for name, text in scripts.items():
        (folder / f"{name}.sh").write_text(text)
    tools = [
        {"script": f"{name}.sh", "class": "summary", "command": "sh {path}",
         "readiness": {"programs": 1}, "probes": [probe]}
        for name in scripts
    ]  # fmt: skip
    catalog = {
        "categories": {"own/tools": {"layer": "host", "tools": tools}},
        "placebo": {"script": placebo.name, "command": "sh {path}"},
    }
    (home / "catalog.yaml").write_text(yaml.safe_dump(catalog))
    document["tools"] = {"catalog": str(home / "catalog.yaml"), "directory": str(home / "tools")}
    (home / "minimal-input.yaml").write_text(yaml.safe_dump(document))
    return home / "minimal-input.yaml"


def host_of(lab: LabState, name: str) -> LabHost:
    return next(host for host in lab.hosts if host.name == name)


def wait_for(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.1)


def traces(directory: Path) -> dict[str, list[str]]:
    """Processes, links, mounts and files on this machine that belong to the lab in `directory`."""
    processes = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and bytes(directory) in (entry / "cmdline").read_bytes():
                processes.append(entry.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    links = [entry.name for entry in Path("/sys/class/net").iterdir()]
    return {
        "processes": processes,
        "links": [link for link in links if link.startswith(link_prefix(directory))],
        "mounts": [
            line
            for line in Path("/proc/mounts").read_text().splitlines()
            if str(directory) in line or "/srv/node" in line
        ],
        "files": [str(directory)] if directory.exists() else [],
    }
