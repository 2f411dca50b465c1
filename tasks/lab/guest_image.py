"""What a guest boots: the distribution's kernel, and an initramfs of this machine's own programs.

The kernel is downloaded once with the distribution's package tools and cached; nothing is
installed. The initramfs holds whole packages, so a guest is a small Debian or Ubuntu with the same
shell, coreutils and measuring programs as the hosts.
"""

import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ..model.errors import CommandFailed
from .machine import HERE, run

CACHE = Path("/var/cache/ebpf-overhead/guest-kernel")

# In loading order; those that a kernel has built in do not exist as files.
_MODULES = (
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "failover",
    "net_failover",
    "virtio_net",
)
UNPACK = {".xz": ["xz", "-dc"], ".zst": ["zstd", "-dcq"], ".ko": ["cat"]}

PACKAGES = (
    *("coreutils", "dash", "findutils", "grep", "gzip", "hostname", "kmod", "mawk", "mount"),
    *("procps", "sed", "tar", "util-linux", "iproute2", "ethtool", "openssh-server"),
    *("iperf3", "netperf", "sysstat"),
)
_PROGRAM = re.compile(r"(/usr)?(/s?bin/|/lib/openssh/).+")
_DIRECTORIES = ("dev", "etc", "proc", "root", "run", "srv/bench", "srv/node", "sys", "tmp")
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}


def kernel() -> Path:
    """A directory with the distribution's `boot/vmlinuz-*` and `lib/modules/`, cached."""
    if not CACHE.exists():
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE.parent) as scratch:
            _fetch_kernel(Path(scratch))
            (Path(scratch) / "tree").replace(CACHE)
    return CACHE


def kernel_image(tree: Path) -> Path:
    return next((tree / "boot").glob("vmlinuz-*"))


def write_initramfs(target: Path, tree: Path) -> None:
    """Writes the part of the initramfs that all guests share; `tree`: see `kernel`."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        _lay_out(root)
        _copy_programs(root)
        _copy_modules(root, tree)
        write_archive(target, root)


def write_archive(target: Path, root: Path) -> None:
    """All below `root` as a cpio archive; the kernel unpacks concatenated archives in order."""
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    with target.open("wb") as archive:
        subprocess.run(
            ["busybox", "cpio", "-o", "-H", "newc", "-R", "0:0"],
            cwd=root,
            input="\n".join(names).encode(),
            stdout=archive,
            stderr=subprocess.DEVNULL,
            check=True,
        )


def _fetch_kernel(scratch: Path) -> None:
    ubuntu = platform.freedesktop_os_release()["ID"] == "ubuntu"
    newest = "linux-image-virtual" if ubuntu else "linux-image-cloud-amd64"
    listed = run(
        *("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests"),
        *("--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", newest),
    )
    packages = re.findall(r"^linux-(?:image|modules)-[0-9]\S*", listed, flags=re.MULTILINE)
    if not packages:
        raise CommandFailed(HERE, f"no package {newest}; `apt-get update` may not have been run")
    run("apt-get", "download", *packages, cwd=scratch, timeout_s=600)
    for package in scratch.glob("*.deb"):
        run("dpkg-deb", "--extract", str(package), str(scratch / "tree"), timeout_s=120)


def _lay_out(root: Path) -> None:
    for directory in (*_DIRECTORIES, "var/tmp", "var/log", "modules"):
        (root / directory).mkdir(parents=True)
    for directory in ("bin", "sbin", "lib", "lib64"):  # merged, as distributions have it now
        (root / "usr" / directory).mkdir(parents=True)
        (root / directory).symlink_to(f"usr/{directory}")
    for name, text in _FILES.items():
        (root / name).write_text(text)
    shutil.copy("/etc/os-release", root / "etc/os-release")
    shutil.copy(Path(__file__).with_name("guest_init.sh"), root / "init")
    (root / "init").chmod(0o755)
    (root / "usr/bin/awk").symlink_to("mawk")


def _copy_programs(root: Path) -> None:
    listed = run("dpkg-query", "--listfiles", *PACKAGES).splitlines()
    programs = [name for name in listed if _PROGRAM.fullmatch(name) and Path(name).is_file()]
    for name in programs:
        # A link to a sibling stays a link; one to elsewhere (alternatives) is copied as its target.
        sibling = Path(name).is_symlink() and len(Path(name).readlink().parts) == 1
        _copy(root, name, follow=not sibling)
    for name in _libraries(programs):
        _copy(root, name, follow=True)


def _copy(root: Path, name: str, *, follow: bool) -> None:
    copy = root / _merged(name).lstrip("/")
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(name, copy, follow_symlinks=follow)


def _libraries(programs: list[str]) -> set[str]:
    # ldd fails for scripts among the programs, which need no libraries.
    shown = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"(?:=> |^\t)(/\S+) \(0x", shown, flags=re.MULTILINE))


def _merged(name: str) -> str:
    return name if name.startswith("/usr/") else f"/usr{name}"


def _copy_modules(root: Path, tree: Path) -> None:
    found = {path.name.partition(".")[0]: path for path in tree.rglob("*.ko*")}
    present = [name for name in _MODULES if name in found]
    for name in present:
        with (root / "modules" / f"{name}.ko").open("wb") as module:
            unpack = UNPACK[found[name].suffix]
            subprocess.run([*unpack, str(found[name])], stdout=module, check=True)
    (root / "modules/order").write_text("".join(f"{name}.ko\n" for name in present))
