"""Answers kept and given again: discovery without hosts.

A recording is a folder with one YAML file for each node, a list of answers by probe. It is found by
the probe's name and arguments, so that a script may change without making recordings worthless.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..model.environment import Node
from ..model.errors import InputError, Unreachable
from .ask import Answer, Ask
from .probes import key_of


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are, for people to read."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


class Recorder:
    """Asks on, and keeps every answer below `directory`."""

    def __init__(self, ask: Ask, directory: Path) -> None:
        self._ask, self._directory = ask, directory
        self._answers: dict[str, list[dict[str, Any]]] = {}
        directory.mkdir(parents=True, exist_ok=True)

    async def __call__(self, node: Node, argv: Sequence[str]) -> Answer:
        answer = await self._ask(node, argv)
        entry = {
            "probe": key_of(argv),
            "status": answer.status,
            "stdout": answer.stdout,
            "stderr": answer.stderr,
            "sent_at": answer.sent_at,
            "received_at": answer.received_at,
        }
        entries = self._answers.setdefault(node.name, [])
        entries.append(entry)
        text = yaml.dump(entries, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        (self._directory / f"{node.name}.yaml").write_text(text, encoding="utf-8")
        return answer


class Replay:
    """Gives the answers of a recording. Raises Unreachable for a node that it does not hold."""

    def __init__(self, directory: Path) -> None:
        if not directory.is_dir():
            raise InputError(str(directory), "", "no such directory", "a recording of probes")
        self._directory = directory
        self._answers: dict[str, dict[str, Answer]] = {}

    async def __call__(self, node: Node, argv: Sequence[str]) -> Answer:
        if node.name not in self._answers:
            self._answers[node.name] = self._read(node)
        key = key_of(argv)
        if key not in self._answers[node.name]:
            raise InputError(str(self._directory / f"{node.name}.yaml"), key, "was not recorded")
        return self._answers[node.name][key]

    def _read(self, node: Node) -> dict[str, Answer]:
        path = self._directory / f"{node.name}.yaml"
        try:
            entries = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        except FileNotFoundError:
            raise Unreachable(node.name, f"is not in the recording {self._directory}") from None
        found: dict[str, Answer] = {}
        for entry in entries:
            answer = Answer(
                entry.get("status", 0),
                entry.get("stdout", ""),
                entry.get("stderr", ""),
                entry.get("sent_at", 0.0),
                entry.get("received_at", 0.0),
            )
            before = found.get(entry["probe"], answer)
            found[entry["probe"]] = min(before, answer, key=_round_trip)
        return found


def _round_trip(answer: Answer) -> float:
    """Of a question asked several times the quickest answer counts, as it did live."""
    return answer.received_at - answer.sent_at
