"""What this machine lacks for a lab, a line each, and what works without it."""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .guest_image import PACKAGES
from .machine import PATH

_WITHOUT = "ingest, analyze and compare work without it; run works against hosts over SSH"

# What a lab of each kind runs, and the Debian package it comes in.
_BASE = {
    "ip": "iproute2",
    "tc": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "mount": "mount",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "iperf3": "iperf3",
    "netperf": "netperf (non-free, multiverse on Ubuntu)",
    "netserver": "netperf (non-free, multiverse on Ubuntu)",
    "pidstat": "sysstat",
    "bpftrace": "bpftrace",
    "bpftool": "bpftool",
    "ethtool": "ethtool",
}
_OVS_PROGRAMS = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl")
_OVS = dict.fromkeys(_OVS_PROGRAMS, "openvswitch-switch")
_VM = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "xz": "xz-utils",
    "apt-get": "apt (guests boot this distribution's kernel and packages)",
    "dpkg-deb": "dpkg (guests boot this distribution's kernel and packages)",
}

_MACHINE = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "modprobe": "kmod",
    "busybox": "busybox-static",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "apt-get": "apt (the machine is a Debian, made with apt)",
}

_FILESYSTEMS = {
    "tracefs": "bpftrace tools cannot attach to tracepoints",
    "debugfs": "bpftrace 0.17 and older look for tracepoints there",
    "bpf": "BPF objects cannot be pinned (bpffs)",
}
_BTF = Path("/sys/kernel/btf/vmlinux")


def missing(layers: Sequence[str] = ("host",), switch: str = "bridge") -> list[str]:
    """A line for each thing that this machine lacks for such a lab; empty: nothing."""
    return refusals() or [*_missing_parts(layers, switch), *_missing_kernel()]


def missing_for_machine() -> list[str]:
    """The same for a lab in a machine of its own: that one has all that a lab needs."""
    if platform.machine() != "x86_64":
        return [f"--kernel needs x86_64, this is {platform.machine()}; a lab without it works"]
    return refusals() or [
        f"program {program} not found; Debian package {package}; a lab without --kernel works"
        for program, package in _MACHINE.items()
        if shutil.which(program, path=PATH) is None
    ]


def packages() -> set[str]:
    """The Debian packages that labs of every kind need."""
    providers = [*_BASE.values(), *_OVS.values(), *_VM.values(), *PACKAGES]
    return {package.split()[0] for package in providers}


def refusals() -> list[str]:
    """What makes any further check pointless."""
    if platform.system() != "Linux":
        return [f"this is {platform.system()}; the lab needs Linux; {_WITHOUT}"]
    if os.geteuid() != 0:
        return [f"not root; the lab creates namespaces and mounts; use sudo; {_WITHOUT}"]
    return []


def _missing_parts(layers: Sequence[str], switch: str) -> list[str]:
    needed = {
        **_BASE,
        **(_OVS if switch == "ovs" else {}),
        **(_VM if "vm" in layers else {}),
    }
    lines = []
    if "vm" in layers and platform.machine() != "x86_64":
        lines.append(f"layer vm needs x86_64, this is {platform.machine()}; layer host works")
    if ("vm" in layers or switch == "ovs") and not Path("/dev/net/tun").exists():
        lines.append("/dev/net/tun is missing; layer host over a bridge works without it")
    lines += [
        f"program {program} not found; Debian package {package}; {_WITHOUT}"
        for program, package in needed.items()
        if shutil.which(program, path=PATH) is None
    ]
    if "vm" in layers and shutil.which("dpkg-query", path=PATH):
        lines += [
            f"Debian package {package} is not installed; guests hold its programs; {_WITHOUT}"
            for package in PACKAGES
            if not _is_installed(package)
        ]
    return lines


def _is_installed(package: str) -> bool:
    asked = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout == "installed"


def _missing_kernel() -> list[str]:
    lines = []
    if not _BTF.exists():
        lines.append(f"{_BTF} is missing (kernel without BTF); bpftrace tools need it; {_WITHOUT}")
    known = Path("/proc/filesystems").read_text().split()
    lines += [
        f"kernel without {name}; {why}; {_WITHOUT}"
        for name, why in _FILESYSTEMS.items()
        if name not in known
    ]
    namespaces = ["unshare", "--net", "--pid", "--mount", "--uts", "--fork", "true"]
    if (
        shutil.which("unshare", path=PATH)
        and subprocess.run(namespaces, capture_output=True, check=False).returncode
    ):
        lines.append(f"namespaces cannot be created ({_why_no_namespaces()}); {_WITHOUT}")
    return lines


def _why_no_namespaces() -> str:
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    if any(line.split()[4] == "/" for line in mounts):
        return "a container without rights?"
    return "/ is no mount point, as in a chroot: enter this root with systemd-nspawn or pivot_root"
