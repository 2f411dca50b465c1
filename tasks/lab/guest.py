"""A lab guest: a virtual machine on one of the hosts, with two taps there and an sshd inside.

qemu runs in the host's namespaces, so discovery finds it as on any host, and it ends with the host.
"""

import functools
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from . import guest_image, lab_host, network, ovs
from .machine import run_inside
from .state import LabLayout, LabNode

# With nothing to boot, qemu's firmware reboots at once, which ends qemu within 0.1 s.
_TRIAL = ("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-boot")
_EMULATED_LIMIT_S = 60.0

_PID_FILE = "qemu.pid"


@functools.cache
def accelerator() -> str:
    """ "kvm" where it works, else "tcg", software emulation.

    Both are tried, because /dev/kvm alone proves little: inside some virtual machines KVM runs
    guests at a hundredth of the emulation's speed. In an emulated machine either takes seconds.
    """
    emulated_s = _trial_s("tcg", _EMULATED_LIMIT_S)
    limit_s = max(1.0, 3 * (emulated_s or 0.0))
    return "tcg" if _trial_s("kvm", limit_s) is None else "kvm"


def _trial_s(kind: str, limit_s: float) -> float | None:
    """How long a machine with nothing to boot takes to its end; None: failed, or not in time."""
    command = ("qemu-system-x86_64", "-machine", f"pc,accel={kind}", *_TRIAL, "reboot-timeout=0")
    start = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return None
    return None if done.returncode else time.monotonic() - start


def write_shared_image(layout: LabLayout) -> None:
    """Writes what all guests of the lab boot; the first time, the kernel is downloaded."""
    guest_image.write_initramfs(_shared_initramfs(layout), guest_image.kernel())


def start(layout: LabLayout, node: LabNode, pid: int) -> None:
    """Starts the guest on the host whose namespaces `pid` holds; it answers seconds later."""
    directory = layout.node_directory(node)
    lab_host.prepare(layout, node)
    kernel = guest_image.kernel_image(guest_image.kernel())
    (directory / "kernel").write_bytes(kernel.read_bytes())
    _write_initramfs(layout, node)
    network.add_taps(layout, pid, layout.tap(node), layout.management_tap(node))
    run_inside(pid, *_qemu(layout, node))


def runs(layout: LabLayout, node: LabNode) -> bool:
    """Whether qemu runs: it removes its pid file when it ends by itself."""
    return (layout.node_directory(node) / _PID_FILE).exists()


def _write_initramfs(layout: LabLayout, node: LabNode) -> None:
    """The shared part, followed by the guest's own keys, name and addresses."""
    directory = layout.node_directory(node)
    settings = {
        "hostname": node.name,
        "management": f"{layout.management_ip(node)}/{layout.management.prefixlen}",
        "test": f"{layout.test_ip(node)}/{layout.test.prefixlen}",
    }
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch) / "srv/node"
        files.mkdir(parents=True)
        for name in lab_host.SSHD_FILES:
            (files / name).write_bytes((directory / name).read_bytes())
            (files / name).chmod(0o600)
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (files / "guest").write_text("".join(lines))
        own = directory / "initramfs"
        guest_image.write_archive(own, Path(scratch))
    shared = _shared_initramfs(layout).read_bytes()
    own.write_bytes(shared + own.read_bytes())


def _qemu(layout: LabLayout, node: LabNode) -> Sequence[str]:
    files = f"/srv/node/{node.name}"  # as the host sees the guest's directory
    kind = accelerator()
    # ovs-vswitchd does not compute the checksums that a guest leaves to its network card.
    offload = "off" if layout.switch == "ovs" and ovs.userspace() else "on"
    return [
        *("qemu-system-x86_64", "-name", f"guest={node.name}", "-uuid", str(layout.uuid(node))),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", f"pc,accel={kind}", "-cpu", "host" if kind == "kvm" else "max"),
        *("-smp", "1", "-m", "512"),
        *("-kernel", f"{files}/kernel", "-initrd", f"{files}/initramfs"),
        *("-append", "console=ttyS0 quiet panic=-1"),
        *("-serial", f"file:{files}/console.log"),
        *_card(layout.management_tap(node), layout.mac(node, 0), "on"),  # eth0 of the guest
        *_card(layout.tap(node), layout.mac(node, 1), offload),  # eth1
        *("-daemonize", "-pidfile", f"{files}/{_PID_FILE}"),
    ]


def _card(tap: str, mac: str, checksums: str) -> Sequence[str]:
    vhost = ",vhost=on" if Path("/dev/vhost-net").exists() else ""
    return (
        *("-netdev", f"tap,id={tap},ifname={tap},script=no,downscript=no{vhost}"),
        *("-device", f"virtio-net-pci,netdev={tap},mac={mac},csum={checksums},romfile="),
    )


def _shared_initramfs(layout: LabLayout) -> Path:
    return layout.directory / "initramfs"
