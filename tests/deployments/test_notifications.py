"""A failed campaign and an exceeded budget send a message through a block of the real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from datasets.notebooks.example import write_example

from .conftest import Site, free_port, wait_for


class _Receiver(HTTPServer):
    """Stands for Slack: keeps every message that is posted to it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.server.messages.append(json.loads(self.rfile.read(size)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def receiver() -> Iterator[_Receiver]:
    with _Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, receiver) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("notified"), free_port())
    try:
        site.up()
        _make_block(site, f"http://127.0.0.1:{receiver.server_port}/hook")
        yield site
    finally:
        site.command("ui", "--stop")


def _make_block(site: Site, url: str) -> None:
    """What the UI's page Blocks sends."""
    kind = site.get("/block_types/slug/custom-webhook")
    schema = site.found(
        "/block_schemas/filter", block_schemas={"block_type_id": {"any_": [kind["id"]]}}
    )[0]
    message = {"subject": "{{subject}}", "body": "{{body}}"}
    data = {"name": "ops", "url": url, "method": "POST", "json_data": message}
    site.found(
        "/block_documents/", name="ops", data=data,
        block_type_id=kind["id"], block_schema_id=schema["id"],
    )  # fmt: skip


def _automations(server: Site, name: str) -> list[Any]:
    return server.found("/automations/filter", automations={"name": {"any_": [name]}})


def test_an_unknown_block_is_refused_in_one_line(server: Site) -> None:
    api = f"{server.address}/api"
    done = server.command("deploy", "--notify", "slack-webhook/none", PREFECT_API_URL=api)
    assert done.returncode == 2
    assert "--notify: slack-webhook/none: no such block" in done.stderr


def test_a_failed_campaign_and_an_exceeded_budget_are_told(
    server: Site, receiver: _Receiver, tmp_path: Path
) -> None:
    receiver.messages.clear()
    for _ in range(2):  # running it again changes nothing
        done = server.command(
            "deploy", "--notify", "custom-webhook/ops", PREFECT_API_URL=f"{server.address}/api"
        )
        assert done.returncode == 0, done.stderr
    data, budget = tmp_path / "data", tmp_path / "b.yaml"
    write_example(data)
    budget.write_text("name: b\nlimits: [{tool: eth_drop, metric: latency_mean_us, max: 20}]")
    server.submit("analysis/analysis", datasets=str(data), environment="lab-419-intel",
                  run="night-15", output=str(tmp_path / "reports"), languages=["en"],
                  budget=str(budget))  # fmt: skip
    server.submit("campaign/campaign", environments=["no-such-environment"])
    wait_for("both messages", 120, lambda: len({m["subject"] for m in receiver.messages}) == 2)
    told = {message["subject"]: message["body"] for message in receiver.messages}
    assert "no such environment" in told["ebpf-overhead: a campaign failed"]
    assert "eth_drop" in told["ebpf-overhead: a budget is exceeded"]
    assert "is above the budget of 20" in told["ebpf-overhead: a budget is exceeded"]
    for title in told:  # the same two: a server whose database is busy sends a message again
        assert len(_automations(server, title)) == 1
    assert len({(message["subject"], message["body"]) for message in receiver.messages}) == 2
