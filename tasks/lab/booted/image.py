"""What a machine boots: one of Debian's kernels, an initramfs with its modules, and Debian 12.

<cache>/<kernel>-<content>/
  kernel  initramfs  disk.ext4

The disk is made once with Debian's own tools, and every machine writes to a copy of its own (QEMU's
`snapshot`). The content names the folder: another list of packages is another image.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...model.errors import CommandFailed, InputError
from .. import guest_image, requirements
from ..machine import HERE, run
from . import debian

CACHE = Path("/var/cache/ebpf-overhead/machine")
KERNELS = {
    "5.10": r"^linux-image-5\.10\.0-[0-9]+-amd64$",
    "6.1": r"^linux-image-6\.1\.0-[0-9]+-amd64$",
    "6.12": r"^linux-image-6\.12\.[0-9]+\+deb12-amd64$",
}
"""Version -> Debian's packages of it; the newest is taken."""

NEEDED_GIB = 5.0
"""While an image is made; it takes 1.2 GiB."""

_PACKAGES = (
    *("bpfcc-tools", "python3-bpfcc", "libbpf-tools", "python3-netaddr"),
    *("python3", "python3-psutil", "python3-yaml"),  # run the lab's code
    *("conntrack", "iputils-ping", "nftables", "openssh-client", "sockperf", "sudo", "tcpdump"),
)
_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "ext4")
_HOOK = Path(__file__).with_name("kernel_packages.sh")
_MAKE_LIMIT_S = 1800.0
_UNUSED_DAYS = 30.0

# All that it starts and mounts ends with it, and it ends with us, however we end.
_ENCLOSED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
)


@dataclass(frozen=True, slots=True)
class MachineImage:
    """The files of a folder in the cache."""

    kernel: Path
    initramfs: Path
    disk: Path


def machine_image(kernel: str, notify: Callable[[str], None]) -> MachineImage:
    """The image of a Debian kernel (a key of `KERNELS`) or of a kernel file; made the first time.

    A kernel file boots with the disk of Linux 6.1 and must hold virtio, ext4 and the lab's network
    drivers itself. Raises InputError, CommandFailed.
    """
    if kernel in KERNELS:
        return _debian_image(kernel, notify)
    own = kernel_file(kernel)
    shared = _debian_image("6.1", notify)
    initramfs = CACHE / "initramfs-without-modules"
    with _locked(notify):
        if not initramfs.exists():
            _write_initramfs(initramfs, None)
    return MachineImage(own, initramfs, shared.disk)


def kernel_file(text: str) -> Path:
    """A file that holds a Linux kernel. Raises InputError."""
    path = Path(text)
    known = f"{', '.join(KERNELS)} or a file with a Linux kernel (bzImage)"
    if not path.is_file():
        raise InputError("lab", "kernel", f"no kernel {text!r}", known)
    with path.open("rb") as file:
        head = file.read(0x206)
    if head[0x202:0x206] != b"HdrS":
        raise InputError("lab", "kernel", f"{text} is no Linux kernel for x86_64", known)
    return path.resolve()


def _debian_image(kernel: str, notify: Callable[[str], None]) -> MachineImage:
    folder = CACHE / f"{kernel}-{_content(kernel)}"
    if not folder.exists():
        with _locked(notify):
            if not folder.exists():  # another process may have made it meanwhile
                _make_room(kernel)
                with _scratch() as scratch:
                    _make(scratch, kernel, notify)
                    (scratch / "image").rename(folder)
    folder.touch()  # it is in use: see `_make_room`
    return MachineImage(folder / "kernel", folder / "initramfs", folder / "disk.ext4")


@contextmanager
def _locked(notify: Callable[[str], None]) -> Iterator[None]:
    """Waits while another process makes an image."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            notify("waiting for another lab, which makes an image")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_room(kernel: str) -> None:
    """Removes what a killed process left, and images of this kernel that are no longer used."""
    for left in CACHE.glob("making-*"):
        shutil.rmtree(left)
    for old in CACHE.glob(f"{kernel}-*"):
        if time.time() - old.stat().st_mtime > _UNUSED_DAYS * 86400:
            shutil.rmtree(old)
    free_gib = shutil.disk_usage(CACHE).free / 2**30
    if free_gib < NEEDED_GIB:
        problem = f"{free_gib:.1f} GiB free in {CACHE}"
        raise InputError("lab", "kernel", problem, f"{NEEDED_GIB:g} GiB to make an image")


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder beside the images that is gone at the end, also after Ctrl-C."""
    scratch = Path(tempfile.mkdtemp(dir=CACHE, prefix="making-"))
    try:
        yield scratch
    finally:
        for _ in range(50):  # the kernel may still be ending what wrote there
            shutil.rmtree(scratch, ignore_errors=True)
            if not scratch.exists():
                break
            time.sleep(0.1)


def _content(kernel: str) -> str:
    parts = [KERNELS[kernel], *_all_packages(), *_MODULES, debian.SUITE, _HOOK.read_text()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _all_packages() -> Sequence[str]:
    return sorted({*_PACKAGES, *requirements.packages()})


def _make(scratch: Path, kernel: str, notify: Callable[[str], None]) -> None:
    root, made = scratch / "root", scratch / "image"
    made.mkdir()
    notify(f"making the image of a machine with Linux {kernel}, once: Debian {debian.SUITE}")
    _unpack_debian(root, kernel)
    notify(f"making the image of a machine with Linux {kernel}, once: its disk")
    shutil.copy(next((root / "boot").glob("vmlinuz-*")), made / "kernel")
    _write_initramfs(made / "initramfs", root)
    disk = made / "disk.ext4"
    run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(root), str(disk), "4G",
        timeout_s=_MAKE_LIMIT_S)  # fmt: skip


def _unpack_debian(root: Path, kernel: str) -> None:
    try:
        run(
            *(*_ENCLOSED, "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"),
            *(f"--aptopt={line}" for line in debian.apt_options()),
            "--dpkgopt=force-unsafe-io",  # it need not survive a power cut, and is faster for it
            f"--include={','.join(_all_packages())}",
            f'--customize-hook=sh {_HOOK} "$1" "{KERNELS[kernel]}"',
            *(debian.SUITE, str(root), *debian.sources()),
            timeout_s=_MAKE_LIMIT_S,
        )
    except CommandFailed as failed:
        # Each is the cause of those that follow it.
        errors = re.findall(r"^(?:E|error): (.+)", failed.stderr_tail, flags=re.MULTILINE)
        cause = errors[0] if errors else failed.stderr_tail.strip()[-200:]
        problem = f"mmdebstrap made no Debian with Linux {kernel}: {cause}"
        raise CommandFailed(HERE, problem, status=failed.status) from failed


def _write_initramfs(target: Path, tree: Path | None) -> None:
    """busybox, and from `tree` the modules that lead to the disk, in loading order."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for directory in ("bin", "dev", "disk", "modules"):
            (root / directory).mkdir()
        busybox = shutil.which("busybox")
        assert busybox is not None  # `requirements` asks for it
        shutil.copy(busybox, root / "bin/busybox")
        names = [] if tree is None else list(_copied_modules(root / "modules", tree))
        (root / "modules/order").write_text("".join(f"{name}\n" for name in names))
        guest_image.write_archive(target, root)


def _copied_modules(target: Path, tree: Path) -> Iterator[str]:
    """Copies the modules with those they need; yields their names in loading order."""
    version = next((tree / "lib/modules").iterdir()).name
    for module in _MODULES:
        shown = run("modprobe", "-d", str(tree), "-S", version, "--show-depends", module)
        for path in map(Path, re.findall(r"^insmod (\S+)", shown, flags=re.MULTILINE)):
            name = path.name.partition(".")[0]
            if not (target / name).exists():
                with (target / name).open("wb") as file:
                    unpack = [*guest_image.UNPACK[path.suffix], str(path)]
                    subprocess.run(unpack, stdout=file, check=True)
                yield name
