"""File transfer to and from a host, verified by sha256.

What a host sends is not trusted: only regular files are accepted, which its manifest lists, below
the requested folder, within the size cap.
"""

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ..model.errors import CommandFailed, RemoteError
from ..model.outcome import StoredFile
from .connection import Connection

SIZE_CAP = 512 * 2**20
_MANIFEST_LINE = re.compile(r"^([0-9a-f]{64}) [ *](.+)$", re.MULTILINE)

_MANIFEST = 'cd "$1" && shift && find "$@" -type f -exec sha256sum -- {} +'
_ARCHIVE = 'cap=$1 base=$2; shift 2; tar -C "$base" -cf - -- "$@" | head -c "$cap"'
_TAR_ROOM = 2**20  # for tar's headers


def is_safe(path: str) -> bool:
    """Whether an archive member's path stays below the folder into which it is unpacked."""
    pure = PurePosixPath(path)
    return (
        bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and "\0" not in path
    )


def parse_manifest(text: str) -> dict[str, str]:
    """path -> sha256 from the output of `sha256sum`; lines of another form are ignored."""
    return {path.removeprefix("./"): digest for digest, path in _MANIFEST_LINE.findall(text)}


async def manifest(connection: Connection, base: str, paths: Sequence[str]) -> dict[str, str]:
    """path below `base` -> sha256 of every regular file below `paths`."""
    argv = connection.privileged(("sh", "-c", _MANIFEST, "sh", base, *paths))
    done = await connection.run(argv, timeout_s=120)
    return parse_manifest(done.stdout)


async def collect(
    connection: Connection, base: str, paths: Sequence[str], into: Path
) -> tuple[StoredFile, ...]:
    """Copies the files below `base`/`paths` on the host to `into`, and verifies each checksum.

    Raises RemoteError if a file is missing, differs, is too large, or is not in the manifest.
    """
    wanted = await manifest(connection, base, paths)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".collect-") as scratch:
        archive = Path(scratch) / "stream.tar"
        cap = str(SIZE_CAP + _TAR_ROOM)  # the stream is cut here, however much the host sends
        tar = connection.privileged(("sh", "-c", _ARCHIVE, "sh", cap, base, *paths))
        await connection.run(tar, timeout_s=600, stdout=archive)
        stored = unpack(archive, wanted, into, connection.node.name)
    missing = wanted.keys() - {file.path for file in stored}
    if missing:
        raise RemoteError(connection.node.name, f"not delivered: {sorted(missing)[:3]}")
    return stored


def unpack(
    archive: Path, wanted: Mapping[str, str], into: Path, host: str, cap: int = SIZE_CAP
) -> tuple[StoredFile, ...]:
    """Writes the members that `wanted` (path -> sha256) names; any other raises RemoteError."""
    stored = []
    left = cap
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                path = member.name.removeprefix("./")
                if member.isdir():
                    continue
                if not member.isreg() or path not in wanted or not is_safe(path):
                    raise RemoteError(host, f"archive member was not requested: {path!r}")
                left -= member.size
                if left < 0:
                    raise RemoteError(host, f"archive is larger than {cap} bytes")
                _write(tar, member, into / path, wanted[path], host)
                stored.append(StoredFile(path, member.size, wanted[path]))
    except tarfile.TarError as error:
        raise RemoteError(host, f"broken archive: {error}") from error
    return tuple(stored)


def _write(
    tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, sha256: str, host: str
) -> None:
    """Writes one member to a temporary file, and renames it to `target` if its checksum matches."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    if source is None:
        raise RemoteError(host, f"archive holds no content for {member.name!r}")
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as out:
            shutil.copyfileobj(source, out)
        if _sha256(part) != sha256:
            raise RemoteError(host, f"checksum of {member.name!r} differs from the host's")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


async def deliver(
    connection: Connection, files: Sequence[Path], local_root: Path, remote_dir: str
) -> dict[str, str]:
    """Copies local files below `remote_dir`; only files whose content differs there are sent.

    Returns remote path -> sha256 of every file, sent or not. A file is replaced atomically: the new
    one is written beside it, then renamed.
    """
    sources = {
        str(PurePosixPath(remote_dir) / file.relative_to(local_root).as_posix()): file
        for file in files
    }
    digests = {remote: _sha256(file) for remote, file in sources.items()}
    answer = await connection.run(("sha256sum", "--", *digests), check=False)
    present = parse_manifest(answer.stdout)
    for remote, sha256 in digests.items():
        if present.get(remote) != sha256:
            await _send(connection, sources[remote], remote, sha256)
    return digests


_RECEIVE = (
    'mkdir -p "$(dirname "$1")" && cat >"$1.part" && chmod "$2" "$1.part" && mv "$1.part" "$1"'
)


async def _send(connection: Connection, file: Path, remote: str, sha256: str) -> None:
    mode = "755" if os.access(file, os.X_OK) else "644"
    argv = connection.privileged(("sh", "-c", _RECEIVE, "sh", remote, mode))
    await connection.run(argv, input=file.read_bytes(), timeout_s=60)
    check = await connection.run(("sha256sum", "--", remote))
    if parse_manifest(check.stdout).get(remote) != sha256:
        raise CommandFailed(connection.node.name, f"checksum of {remote} differs from ours")
