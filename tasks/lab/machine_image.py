"""What a lab's own machine boots: one of Debian's kernels, an initramfs, and a disk with Debian 12.

<cache>/<kernel>-<content>/
  kernel  initramfs  disk.ext4

The disk is made once with Debian's own tools and used read-only by every machine. The content names
the folder: another list of packages or another first process is another image.
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model.errors import InputError
from . import guest_image, requirements
from .machine import run

CACHE = Path("/var/cache/ebpf-overhead/machine")
KERNELS = {
    "5.10": r"^linux-image-5\.10\.0-[0-9]+-amd64$",
    "6.1": r"^linux-image-6\.1\.0-[0-9]+-amd64$",
    "6.12": r"^linux-image-6\.12\.[0-9]+\+deb12-amd64$",
}
"""Version -> Debian's packages of it; the newest is taken."""

NEEDED_GIB = 5.0  # while an image is made

_SUITE, _OLDER = "bookworm", "bullseye"  # the older one has Linux 5.10
_PACKAGES = (
    *("bpfcc-tools", "python3-bpfcc", "libbpf-tools", "python3-netaddr"),
    *("python3", "python3-psutil", "python3-yaml"),  # run the lab's code
    *("conntrack", "iputils-ping", "nftables", "openssh-client", "sockperf", "sudo", "tcpdump"),
)
_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "ext4")
_HOOK = Path(__file__).with_name("machine_kernel.sh")
_FIRST_PROCESS = Path(__file__).with_name("machine_init.sh")
_BOOT = Path(__file__).with_name("machine_boot.sh")
DEBIAN = {
    "main": "http://deb.debian.org/debian",
    "security": "http://deb.debian.org/debian-security",
}
"""Where each part of Debian comes from if this machine's apt names no mirror."""

_MAKE_LIMIT_S = 1800.0


@dataclass(frozen=True, slots=True)
class MachineImage:
    """The files of a folder in the cache."""

    kernel: Path
    initramfs: Path
    disk: Path


def image(kernel: str, notify: Callable[[str], None]) -> MachineImage:
    """The image of a Debian kernel (a key of `KERNELS`) or of a kernel file; made the first time.

    A kernel file boots with the disk of Linux 6.1 and must hold virtio, ext4 and the lab's network
    drivers itself. Raises InputErrors, CommandFailed.
    """
    if kernel in KERNELS:
        return _debian_image(kernel, notify)
    own = kernel_file(kernel)
    shared = _debian_image("6.1", notify)
    initramfs = CACHE / "initramfs-without-modules"
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
        CACHE.mkdir(parents=True, exist_ok=True)
        for stale in CACHE.glob("making-*"):  # the lab's lock is held: nobody makes one now
            shutil.rmtree(stale)
        free_gib = shutil.disk_usage(CACHE).free / 2**30
        if free_gib < NEEDED_GIB:
            problem = f"{free_gib:.1f} GiB free in {CACHE}"
            raise InputError("lab", "kernel", problem, f"{NEEDED_GIB:g} GiB to make an image")
        notify(f"making the image of the machine with Linux {kernel} (once, minutes)")
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="making-") as scratch:
            _make(Path(scratch), kernel, notify)
            (Path(scratch) / "image").rename(folder)
    return MachineImage(folder / "kernel", folder / "initramfs", folder / "disk.ext4")


def _content(kernel: str) -> str:
    texts = [file.read_text() for file in (_HOOK, _FIRST_PROCESS, _BOOT, Path(__file__))]
    return hashlib.sha256("\0".join([kernel, *_all_packages(), *texts]).encode()).hexdigest()[:12]


def _all_packages() -> Sequence[str]:
    return sorted({*_PACKAGES, *requirements.packages()})


def _make(scratch: Path, kernel: str, notify: Callable[[str], None]) -> None:
    root, made = scratch / "root", scratch / "image"
    made.mkdir()
    options = [f"--aptopt={line}" for line in _apt_options()]
    notify("unpacking Debian and the kernel")
    run(
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", *options),
        f"--include={','.join(_all_packages())}",
        f'--customize-hook=sh {_HOOK} "$1" "{KERNELS[kernel]}"',
        *(_SUITE, str(root), *_sources()),
        timeout_s=_MAKE_LIMIT_S,
    )
    shutil.copy(_FIRST_PROCESS, root / "init")
    (root / "init").chmod(0o755)
    notify("writing the disk")
    shutil.copy(next((root / "boot").glob("vmlinuz-*")), made / "kernel")
    _write_initramfs(made / "initramfs", root)
    disk = made / "disk.ext4"
    run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(root), str(disk), "4G",
        timeout_s=_MAKE_LIMIT_S)  # fmt: skip


def _write_initramfs(target: Path, tree: Path | None) -> None:
    """An initramfs that mounts the disk and starts its first process; `tree` has the modules."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for directory in ("bin", "dev", "disk", "modules"):
            (root / directory).mkdir()
        busybox = shutil.which("busybox")
        assert busybox is not None  # `requirements` asks for it
        shutil.copy(busybox, root / "bin/busybox")
        shutil.copy(_BOOT, root / "init")
        (root / "init").chmod(0o755)
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


def _sources() -> Sequence[str]:
    """Lines of a sources.list, from this machine's own mirrors where it is a Debian."""
    mirrors = DEBIAN | own_mirrors()
    return [
        line
        for suite, components in ((_SUITE, "main non-free"), (_OLDER, "main"))
        for line in (
            f"deb {mirrors['main']} {suite} {components}",
            f"deb {mirrors['security']} {suite}-security main",
        )
    ]


def own_mirrors() -> dict[str, str]:
    """main, security -> the address from which this machine's apt takes that part of Debian."""
    form = "$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)"
    lines = run("apt-get", "indextargets", "--format", form).splitlines()
    found = [re.fullmatch(r"Debian main ([a-z]+)(-security)? (\S+)", line) for line in lines]
    return {"security" if one[2] else "main": one[3] for one in found if one}


def _apt_options() -> Sequence[str]:
    """How this machine's apt downloads: proxies, certificates, validity; lines of apt.conf."""
    wanted = re.compile(r"Acquire::(https?::|Check-|Retries|ForceIP).*", re.IGNORECASE)
    shown = run("apt-config", "dump").splitlines()
    return [line for line in shown if wanted.match(line) and '""' not in line]
