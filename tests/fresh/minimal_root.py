"""Minimal Debian roots, cached by what they are made from, and copies of them to work in."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import package_sources

CACHE = Path("/var/cache/ebpf-overhead/fresh")

_ANSWERS = ('APT::Get::Assume-Yes "true";', 'APT::Install-Recommends "false";')
"""A person's "yes". Without recommended packages nothing is there that nobody asked for."""


@contextmanager
def copied_root(suite: str) -> Iterator[Path]:
    """A copy of the minimal root of that suite, removed at the end; one user at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        copy = CACHE / f"{suite}.copy"
        _remove(copy)  # of a run that was killed
        try:
            base = _minimal_root(suite)
            subprocess.run(["cp", "-a", "--reflink=auto", base, copy], check=True)
            yield copy
        finally:
            _remove(copy)


def _minimal_root(suite: str) -> Path:
    options = [*package_sources.apt_options(), *_ANSWERS]
    arguments = [
        *("--variant=minbase", *(f"--aptopt={option}" for option in options)),
        "--dpkgopt=force-unsafe-io",  # it need not survive a power cut, and is faster for it
        suite,
    ]
    sources = package_sources.apt_sources(suite)
    mark = hashlib.sha256("\n".join(arguments + sources).encode()).hexdigest()[:12]
    root = CACHE / f"{suite}-{mark}"
    if not root.exists():
        for old in CACHE.glob(f"{suite}-*"):
            _remove(old)
        part = CACHE / f"{suite}-{mark}.part"
        make = ["mmdebstrap", "--quiet", *arguments, str(part), *sources]
        subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
        part.rename(root)
    return root


def _remove(root: Path) -> None:
    """Removes the tree; nothing outside is reached, as its mounts are in other namespaces."""
    if root.exists():
        shutil.rmtree(root)
