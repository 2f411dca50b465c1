"""A fresh machine: a root with its own processes, mounts, network and name; it shares the kernel.

Its network leads out through slirp4netns, a program in user space: no interface, address or rule of
this machine is touched, and the links and addresses of a lab inside cannot meet those of one
outside. BPF programs alone are visible on both sides. Everything in it ends with the Python process
that started it, even by SIGKILL; what a killed one leaves in the cache, the next one removes.
"""

import os
import select
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tasks.model.names import ROOT

from . import package_sources
from .minimal_root import copied_root

HOME = "/root"
CLONE = f"{HOME}/ebpf-overhead"

_FIRST_PROCESS = Path(__file__).with_name("first_process.sh")
_NAMESERVER = "10.0.2.3"  # slirp4netns asks this machine's own
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_READY_S = 20.0
_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "KILL")


@dataclass(frozen=True)
class Machine:
    """A running fresh machine."""

    first: psutil.Process  # its pid 1
    root: Path

    def run(self, command: str, folder: str = CLONE) -> None:
        """Runs it there as root; raises CalledProcessError if it fails."""
        self._run(command, folder)

    def output(self, command: str, folder: str = CLONE) -> str:
        """What the command, which must succeed, prints."""
        return self._run(command, folder, stdout=subprocess.PIPE).stdout

    def processes(self) -> list[str]:
        """The command lines of all that runs there, apart from pid 1 and its sleep."""
        inside = self.first.children(recursive=True)
        return [" ".join(one.cmdline()) for one in inside if one.name() != "sleep"]

    def _run(
        self, command: str, folder: str, stdout: int | None = None
    ) -> "subprocess.CompletedProcess[str]":
        variables = {"HOME": HOME, "PATH": _PATH, "LANG": "C.UTF-8"} | package_sources.environment()
        enter = ["nsenter", f"--target={self.first.pid}", "--mount", "--pid", "--net", "--uts",
                 "--ipc", "--cgroup"]  # fmt: skip
        shell = ["sh", "-c", f"cd {folder} && {command}"]
        return subprocess.run(
            [*enter, *shell],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            text=True,
            check=True,
        )


def lacking() -> list[str]:
    """The programs and rights that this machine lacks for a fresh one."""
    programs = ("mmdebstrap", "slirp4netns", "unshare", "nsenter", "setpriv", "pivot_root", "git")
    missing = [name for name in programs if not shutil.which(name)]
    return missing + (["root"] if os.geteuid() else [])


@contextmanager
def fresh_machine(suite: str) -> Iterator[Machine]:
    """Runs a minimal Debian that holds nothing more than a clone of this project."""
    with ExitStack() as stack:
        root = stack.enter_context(copied_root(suite))
        (root / "etc/resolv.conf").write_text(f"nameserver {_NAMESERVER}\n")
        if certificates := package_sources.certificates():
            shutil.copy(certificates, root / package_sources.CERTIFICATES.lstrip("/"))
        clone = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), f"{root}{CLONE}"]
        subprocess.run(clone, check=True)
        first = stack.enter_context(_first_process(root))
        stack.enter_context(_network(first))
        yield Machine(first, root)


@contextmanager
def _first_process(root: Path) -> Iterator[psutil.Process]:
    namespaces = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"]
    holder = _start(
        [*namespaces, "--fork", "--kill-child", "sh", str(_FIRST_PROCESS), str(root)],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        _wait_for(holder.stdout.fileno(), b"ready\n", "the machine's first process")
        (first,) = psutil.Process(holder.pid).children()
        yield first
    finally:
        # --kill-child ends the first process, and the kernel all others with it
        inside = psutil.Process(holder.pid).children()
        holder.kill()
        holder.communicate()
        psutil.wait_procs(inside, timeout=_READY_S)


@contextmanager
def _network(first: psutil.Process) -> Iterator[None]:
    told, tells = os.pipe()
    program = ["slirp4netns", "--configure", "--mtu=65520", f"--ready-fd={tells}"]
    translator = _start(
        [*program, str(first.pid), "tap0"], pass_fds=[tells], stdout=subprocess.DEVNULL
    )
    os.close(tells)
    try:
        _wait_for(told, b"1", "its network")
        yield
    finally:
        os.close(told)
        translator.kill()
        translator.wait()


def _start(
    argv: Sequence[str], stdout: int, pass_fds: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """In a session of its own: Ctrl-C reaches this process, which then ends it."""
    return subprocess.Popen(
        [*_WITH_ITS_PARENT, *argv], stdin=subprocess.DEVNULL, stdout=stdout, pass_fds=pass_fds,
        start_new_session=True,
    )  # fmt: skip


def _wait_for(pipe: int, word: bytes, what: str) -> None:
    readable, _, _ = select.select([pipe], [], [], _READY_S)
    assert readable and os.read(pipe, len(word)) == word, f"{what} did not start"
