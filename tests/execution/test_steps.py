"""Hooks: which run, on which hosts, and how often."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from tasks.execution.steps import Step, Steps
from tasks.model.plan import Hook


class RecordingShell:
    """Records the commands that it is asked to run, without a host."""

    def __init__(self, name: str, calls: list[tuple[str, str]]) -> None:
        self.node = SimpleNamespace(name=name)
        self._calls = calls

    async def run(self, argv: Sequence[str], **_: object) -> None:
        self._calls.append((self.node.name, " ".join(argv)))


async def test_a_host_on_the_same_side_of_two_layers_runs_a_global_hook_once() -> None:
    calls: list[tuple[str, str]] = []
    names = ("host-server", "host-client", "vm-server", "vm-client")
    shells: dict[str, Any] = {name: RecordingShell(name, calls) for name in names}
    sides = [
        {
            "server": shells[f"{layer}-server"],
            "client": shells[f"{layer}-client"],
            "tool_host": shells["host-server"],
        }
        for layer in ("host", "vm")
    ]
    hooks = (
        Hook("global", "init", "tool_host", ("echo", "a")),
        Hook("global", "init", "client", ("echo", "b")),
        Hook("global", "post", "server", ("echo", "c")),
        Hook("tool", "init", "server", ("echo", "d")),
    )
    records: list[Step] = []
    await Steps(hooks, records.append).hooks("global", "init", *sides)
    assert calls == [("host-server", "echo a"), ("host-client", "echo b"), ("vm-client", "echo b")]
    assert [(step.level, step.phase, step.node, step.status) for step in records] == [
        ("global", "init", name, "done") for name, _ in calls
    ]
