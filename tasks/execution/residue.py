"""What a tool may have left on its host: noted before it starts, forgotten once the host was seen
clean after it.

The note lies in the run's folder. Whoever goes on with the run, after a kill, a lost host or a
night, looks there before anything is measured; else a left program would be part of "before".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from ..model.errors import OverheadError
from ..programs.bpftool import BpfState
from ..storage.rawtree import write_text
from .bpf import left_behind
from .shell import Shell

_FILE = "uncleaned.json"


class HostNotClean(OverheadError):
    """A tool left state behind: nothing more is measured on that host until it is gone."""

    def __init__(self, node: str, case: str, left: Sequence[str]) -> None:
        self.node = node
        super().__init__(f"{node}: {case} left behind: {'; '.join(left[:5])}")


@dataclass(frozen=True, slots=True)
class Note:
    """A tool that was started on a host, and what was there before it."""

    node: str
    case: str
    boot_id: str  # after a reboot nothing of it is left
    devices: tuple[str, ...]
    before: BpfState


_NOTE = TypeAdapter(Note)


async def boot_id(shell: Shell) -> str:
    return (await shell.run(("cat", "/proc/sys/kernel/random/boot_id"))).stdout.strip()


def note(folder: Path, what: Note) -> None:
    write_text(folder / _FILE, _NOTE.dump_json(what, indent=1).decode())


def noted(folder: Path) -> Note | None:
    file = folder / _FILE
    return _NOTE.validate_json(file.read_bytes()) if file.exists() else None


def forget(folder: Path) -> None:
    (folder / _FILE).unlink(missing_ok=True)


async def wait_until_gone(folder: Path, known: Note, shell: Shell, within_s: float) -> None:
    """Until the host is as it was before the noted tool; then the note is forgotten.

    Raises HostNotClean with what is still there when the time is over, RemoteError.
    """
    await shell.revive()
    if known.boot_id == await boot_id(shell):
        left = await left_behind(shell, known.before, known.devices, within_s)
        if left:
            raise HostNotClean(known.node, known.case, left)
    forget(folder)
