"""The files of a dataset, in a folder or in an object store.

A reader gets a complete file or none: locally because a finished temporary file is renamed, in an
object store because an upload replaces an object atomically. Files are written to object stores
through fsspec and read by polars.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import fsspec

from ..model.errors import DatasetError


class Store(Protocol):
    """Names are relative to the store's root, with `/` between folders."""

    @property
    def storage_options(self) -> dict[str, Any] | None:
        """The options with which polars opens it; None for local files."""

    def files(self, folder: str) -> list[str]:
        """Names of all files below `folder`, sorted, without temporary ones."""

    def url(self, name: str) -> str:
        """The path or URL that polars and DuckDB open."""

    def publish(self, files: Mapping[str, bytes]) -> None:
        """Replaces each file atomically, in the order given. Raises DatasetError."""


def open_store(root: str | Path, options: Mapping[str, Any] | None = None) -> Store:
    """A folder, or `s3://bucket/prefix` with fsspec's `options` (endpoint_url, key, secret …)."""
    if "://" in str(root):
        return ObjectStore(str(root).rstrip("/"), dict(options or {}))
    return LocalStore(Path(root))


@dataclass(frozen=True)
class LocalStore:
    """A folder on this machine. A lock admits one writer at a time; readers never wait."""

    root: Path

    @property
    def storage_options(self) -> None:
        return None

    def files(self, folder: str) -> list[str]:
        return sorted(
            str(path.relative_to(self.root))
            for path in (self.root / folder).rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )

    def url(self, name: str) -> str:
        return str(self.root / name)

    def publish(self, files: Mapping[str, bytes]) -> None:
        try:
            with self._write_lock():
                staged = {}
                try:
                    for name, content in files.items():
                        staged[self.root / name] = _stage(self.root / name, content)
                    for path, temporary in staged.items():
                        temporary.replace(path)
                        _sync(path.parent)
                finally:
                    for path in (self.root / name for name in files):
                        _sweep(path.parent)
        except OSError as error:
            raise DatasetError(f"{error.filename or self.root}: {error.strerror}") from error

    @contextmanager
    def _write_lock(self) -> Iterator[None]:
        """One process writes at a time, so any temporary file found is a dead writer's."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class ObjectStore:
    """A bucket, through fsspec. An upload replaces an object atomically."""

    root: str
    options: dict[str, Any] = field(repr=False)  # may hold a secret

    @property
    def storage_options(self) -> dict[str, Any]:
        """fsspec's options under the names that polars uses."""
        names = {
            "key": "aws_access_key_id",
            "secret": "aws_secret_access_key",
            "token": "aws_session_token",
            "endpoint_url": "aws_endpoint_url",
        }
        found = {ours: self.options[name] for name, ours in names.items() if name in self.options}
        if str(found.get("aws_endpoint_url", "")).startswith("http://"):
            found["aws_allow_http"] = "true"
        return found

    def files(self, folder: str) -> list[str]:
        system, base = self._open()
        with _remote_errors(self.root):
            found = system.find(f"{base}/{folder}", refresh=True)
        names = (str(path).removeprefix(f"{base}/") for path in found)
        return sorted(name for name in names if not name.rpartition("/")[2].startswith("."))

    def url(self, name: str) -> str:
        return f"{self.root}/{name}"

    def publish(self, files: Mapping[str, bytes]) -> None:
        system, base = self._open()
        with _remote_errors(self.root):
            for name, content in files.items():
                system.pipe_file(f"{base}/{name}", content)

    def _open(self) -> tuple[Any, str]:
        system, base = fsspec.core.url_to_fs(self.root, **self.options)
        return system, str(base).rstrip("/")


@contextmanager
def _remote_errors(root: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatasetError(f"{root}: {error}") from error


def _stage(path: Path, content: bytes) -> Path:
    """Writes a temporary file beside `path` and syncs it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex}.tmp"
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _sweep(folder: Path) -> None:
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
