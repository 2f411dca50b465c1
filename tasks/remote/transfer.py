"""Files to and from a host: by content, checked by sha256, written by our own code.

What a host sends is not trusted: only regular files that its own manifest named, below the folder
that was asked for, within the size cap.
"""

import hashlib
import os
import re
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..model.errors import CommandFailed, RemoteError
from ..model.outcome import StoredFile
from .connection import Connection

SIZE_CAP = 512 * 2**20
_CHUNK = 2**20
_MANIFEST_LINE = re.compile(r"^([0-9a-f]{64}) [ *](.+)$")

_MANIFEST = 'cd "$1" && shift && find "$@" -type f -exec sha256sum -- {} +'
_ARCHIVE = 'cap=$1 base=$2; shift 2; tar -C "$base" -cf - -- "$@" | head -c "$cap"'
_TAR_ROOM = 2**20  # what tar's headers may take beside the files


def is_safe(path: str) -> bool:
    """Whether a member's path stays below the folder it is written to."""
    pure = PurePosixPath(path)
    return (
        bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and "\0" not in path
    )


def parse_manifest(text: str) -> dict[str, str]:
    """path -> sha256 from `sha256sum` output. Lines that are not its form are left out."""
    found = {}
    for line in text.splitlines():
        if match := _MANIFEST_LINE.match(line):
            found[match[2].removeprefix("./")] = match[1]
    return found


async def manifest(connection: Connection, base: str, paths: Sequence[str]) -> dict[str, str]:
    """path below `base` -> sha256 of every regular file below `paths`."""
    argv = connection.privileged(("sh", "-c", _MANIFEST, "sh", base, *paths))
    done = await connection.run(argv, timeout_s=120)
    return parse_manifest(done.stdout)


async def collect(
    connection: Connection, base: str, paths: Sequence[str], into: Path
) -> tuple[StoredFile, ...]:
    """Copies the files below `base`/`paths` on the host to `into`, and checks every one.

    Raises RemoteError where a file is missing, differs, is too large, or was not in the manifest.
    """
    wanted = await manifest(connection, base, paths)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".collect-") as scratch:
        archive = Path(scratch) / "stream.tar"
        cap = str(SIZE_CAP + _TAR_ROOM)  # a host that has more to send is cut off there
        tar = connection.privileged(("sh", "-c", _ARCHIVE, "sh", cap, base, *paths))
        await connection.run(tar, timeout_s=600, stdout=archive)
        stored = unpack(archive, wanted, into, connection.node.name)
    missing = wanted.keys() - {file.path for file in stored}
    if missing:
        raise RemoteError(connection.node.name, f"not delivered: {sorted(missing)[:3]}")
    return stored


def unpack(
    archive: Path, wanted: dict[str, str], into: Path, host: str, cap: int = SIZE_CAP
) -> tuple[StoredFile, ...]:
    """Writes the members that `wanted` (path -> sha256) names; anything else raises RemoteError."""
    stored = []
    left = cap
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                path = member.name.removeprefix("./")
                if member.isdir():
                    continue
                if not member.isreg() or path not in wanted or not is_safe(path):
                    raise RemoteError(host, f"archive holds what was not asked for: {path!r}")
                left -= member.size
                if left < 0:
                    raise RemoteError(host, f"archive is larger than {cap} bytes")
                stored.append(_write(tar, member, into / path, wanted[path], host))
    except tarfile.TarError as error:
        raise RemoteError(host, f"broken archive: {error}") from error
    return tuple(
        StoredFile(path=str(Path(f.path).relative_to(into)), size=f.size, sha256=f.sha256)
        for f in stored
    )


def _write(
    tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, sha256: str, host: str
) -> StoredFile:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    if source is None:
        raise RemoteError(host, f"archive holds no content for {member.name!r}")
    digest = hashlib.sha256()
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as out:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
        if digest.hexdigest() != sha256:
            raise RemoteError(host, f"checksum of {member.name!r} differs from the host's")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return StoredFile(str(target), member.size, sha256)


async def deliver(
    connection: Connection, files: Sequence[Path], local_root: Path, remote_dir: str
) -> dict[str, str]:
    """Copies local files below `remote_dir` by content: only what differs there is sent.

    Returns remote path -> sha256 of every file, sent or already there. A path that exists there
    and belongs to a different content is replaced whole (written beside it, then moved).
    """
    digests = {
        str(PurePosixPath(remote_dir) / file.relative_to(local_root).as_posix()): (
            file,
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        for file in files
    }
    there = await connection.run(("sha256sum", "--", *digests), check=False)
    present = parse_manifest(there.stdout)
    for remote, (file, sha256) in digests.items():
        if present.get(remote) != sha256:
            await _send(connection, file, remote)
    return {remote: sha256 for remote, (_, sha256) in digests.items()}


_RECEIVE = (
    'mkdir -p "$(dirname "$1")" && cat >"$1.part" && chmod "$2" "$1.part" && mv "$1.part" "$1"'
)


async def _send(connection: Connection, file: Path, remote: str) -> None:
    mode = "755" if os.access(file, os.X_OK) else "644"
    argv = connection.privileged(("sh", "-c", _RECEIVE, "sh", remote, mode))
    await connection.run(argv, input=file.read_bytes(), timeout_s=60)
    check = await connection.run(("sha256sum", "--", remote))
    if parse_manifest(check.stdout).get(remote) != hashlib.sha256(file.read_bytes()).hexdigest():
        raise CommandFailed(connection.node.name, f"{remote} arrived changed")
