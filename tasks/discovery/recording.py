"""Answers kept and given again: discovery without hosts.

A recording is a folder for each node: a probe's raw output in `<probe>.txt`, and in `answers.yaml`
what else there is to an answer. Probes are found by name and arguments, so that a script may change
without making recordings worthless.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..model.environment import Node
from ..model.errors import InputError, Unreachable
from ..model.names import as_id
from .prober import ProbeAnswer, ProbeRunner
from .probes import key_of

_ANSWERS = "answers.yaml"


class Recorder:
    """Asks on, and keeps every answer below `directory`.

    Of a question asked several times the quickest answer is kept: it is the one that counts.
    """

    def __init__(self, ask: ProbeRunner, directory: Path) -> None:
        self._ask, self._directory = ask, directory
        self._kept: dict[str, dict[str, Any]] = {}

    async def __call__(self, node: Node, argv: Sequence[str]) -> ProbeAnswer:
        answer = await self._ask(node, argv)
        folder, probe = self._directory / node.name, as_id(key_of(argv))
        kept = self._kept.setdefault(node.name, {})
        if probe in kept and _seconds(**kept[probe]) <= _seconds(**_rest(answer)):
            return answer
        kept[probe] = _rest(answer)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{probe}.txt").write_text(answer.stdout, encoding="utf-8")
        (folder / _ANSWERS).write_text(yaml.safe_dump(kept), encoding="utf-8")
        return answer


class Replay:
    """Gives the answers of a recording. Raises Unreachable for a node that it does not hold."""

    def __init__(self, directory: Path) -> None:
        if not directory.is_dir():
            raise InputError(str(directory), "", "no such directory", "a recording of probes")
        self._directory = directory

    async def __call__(self, node: Node, argv: Sequence[str]) -> ProbeAnswer:
        folder, probe = self._directory / node.name, as_id(key_of(argv))
        if not folder.is_dir():
            raise Unreachable(node.name, f"is not in the recording {self._directory}")
        try:
            text = (folder / f"{probe}.txt").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(str(folder), f"{probe}.txt", "was not recorded") from None
        answers = yaml.safe_load((folder / _ANSWERS).read_text(encoding="utf-8"))
        return ProbeAnswer(stdout=text, **answers[probe])


def _rest(answer: ProbeAnswer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "stderr": answer.stderr,
        "sent_at": answer.sent_at,
        "received_at": answer.received_at,
    }


def _seconds(*, sent_at: float, received_at: float, **_: Any) -> float:
    return received_at - sent_at
