"""Residue: BPF programs, links, pins and tc objects that a tool leaves on its host.

The residue note is written to the run folder before the tool starts, and removed once the host is
known to be clean. A session that resumes the run, after a kill, a lost host or the end of a night,
checks the noted host before it measures anything; otherwise the residue would be taken for the
state before the next tool.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from ..model.errors import HostNotClean
from ..programs.bpftool import BpfState
from ..storage.rawtree import write_text
from .bpf import residue_of
from .shell import Shell


@dataclass(frozen=True, slots=True)
class Note:
    """The residue note: a tool that was started on a host, and the host's state before it."""

    node: str
    case: str
    boot_id: str  # a reboot removes all residue
    devices: tuple[str, ...]
    before: BpfState


_NOTE = TypeAdapter(Note)


async def boot_id(shell: Shell) -> str:
    return (await shell.run(("cat", "/proc/sys/kernel/random/boot_id"))).stdout.strip()


def write_note(file: Path, note: Note) -> None:
    write_text(file, _NOTE.dump_json(note, indent=1).decode())


def read_note(file: Path) -> Note | None:
    return _NOTE.validate_json(file.read_bytes()) if file.exists() else None


async def wait_until_clean(file: Path, note: Note, shell: Shell, within_s: float) -> None:
    """Waits until the host is as it was before the noted tool, then removes the note.

    Raises HostNotClean with the residue that is left after `within_s`; RemoteError.
    """
    await shell.revive()
    if note.boot_id == await boot_id(shell):
        residue = await residue_of(shell, note.before, note.devices, within_s)
        if residue:
            raise HostNotClean(note.node, note.case, residue)
    file.unlink(missing_ok=True)
