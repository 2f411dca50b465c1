"""What this machine lacks for a lab, one line each, and what works without it."""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_ELSEWHERE = "ingest, analyze and compare work without; run works against hosts over SSH"

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
_VM = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "xz": "xz-utils"}

_FILESYSTEMS = {
    "tracefs": "bpftrace tools cannot attach to tracepoints",
    "debugfs": "bpftrace 0.17 and older look for tracepoints there",
    "bpf": "pinned BPF objects have no place (bpffs)",
}
_BTF = Path("/sys/kernel/btf/vmlinux")

# Not on the PATH of every shell, root's included.
_PATH = os.pathsep.join(
    ("/usr/local/sbin", "/usr/sbin", "/sbin", os.environ.get("PATH", os.defpath))
)


def missing(layers: Sequence[str] = ("host",), switch: str = "bridge") -> list[str]:
    """One line for each thing that keeps a lab of this shape from standing here; empty: none."""
    if platform.system() != "Linux":
        return [f"this is {platform.system()}; the lab needs Linux; {_ELSEWHERE}"]
    if os.geteuid() != 0:
        return [f"not root; the lab makes namespaces and mounts; use sudo; {_ELSEWHERE}"]
    return [*_missing_programs(layers, switch), *_missing_kernel()]


def _missing_programs(layers: Sequence[str], switch: str) -> list[str]:
    needed = {
        **_BASE,
        **(_OVS if switch == "ovs" else {}),
        **(_VM if "vm" in layers else {}),
    }
    return [
        f"program {program} not found; Debian package {package}; {_ELSEWHERE}"
        for program, package in needed.items()
        if shutil.which(program, path=_PATH) is None
    ]


def _missing_kernel() -> list[str]:
    lines = []
    if not _BTF.exists():
        lines.append(f"{_BTF} not there (kernel without BTF); bpftrace tools need it; {_ELSEWHERE}")
    known = Path("/proc/filesystems").read_text().split()
    lines += [
        f"kernel without {name}; {why}; {_ELSEWHERE}"
        for name, why in _FILESYSTEMS.items()
        if name not in known
    ]
    namespaces = ["unshare", "--net", "--pid", "--mount", "--uts", "--fork", "true"]
    if (
        shutil.which("unshare", path=_PATH)
        and subprocess.run(namespaces, capture_output=True, check=False).returncode
    ):
        lines.append(f"making namespaces is refused (a container without rights?); {_ELSEWHERE}")
    return lines
