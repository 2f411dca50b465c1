"""Probe answers recorded and replayed: discovery without hosts.

A recording is a folder for each node: a probe's raw output in `<probe>.txt`, the rest of its answer
in `answers.yaml`. Probes are found by name and arguments, so recordings outlive changed scripts.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from ..model.environment import Node
from ..model.errors import InputError, Unreachable
from ..model.names import as_id
from ..model.probe import ProbeAnswer, ProbeRunner
from .probes import key_of

_ANSWERS = "answers.yaml"


class Recorder:
    """Runs probes through `run`, and keeps every answer below `directory`.

    Of a probe that runs several times the quickest answer is kept, as for the clock.
    """

    def __init__(self, run: ProbeRunner, directory: Path) -> None:
        self._run, self._directory = run, directory
        self._kept: dict[str, dict[str, ProbeAnswer]] = {}

    async def __call__(self, node: Node, argv: Sequence[str]) -> ProbeAnswer:
        answer = await self._run(node, argv)
        folder, probe = self._directory / node.name, as_id(key_of(argv))
        kept = self._kept.setdefault(node.name, {})
        if probe in kept and kept[probe].round_trip_s <= answer.round_trip_s:
            return answer
        kept[probe] = answer
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{probe}.txt").write_text(answer.stdout, encoding="utf-8")
        answers = {name: asdict(one) for name, one in kept.items()}
        for entry in answers.values():
            del entry["stdout"]
        (folder / _ANSWERS).write_text(yaml.safe_dump(answers), encoding="utf-8")
        return answer


class Replay:
    """Answers from a recording. Raises Unreachable for a node that it does not hold."""

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
