"""A lab guest: a virtual machine on one of the hosts, with two taps there and an sshd inside.

qemu runs in the host's namespaces, so that it is found there as on any host, and ends with it.
"""

import functools
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import guest_image, lab_host, network, ovs
from .machine import run_inside
from .state import LabLayout, Seat

# qemu's firmware with nothing to boot starts over at once, which ends qemu: an errand of 0.1 s.
_ERRAND = ("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-boot")
_ERRAND_LIMIT_S = 1.0

_PID_FILE = "qemu.pid"


@functools.cache
def accelerator() -> str:
    """ "kvm" where it works, else "tcg", software emulation.

    /dev/kvm says little: inside some virtual machines it exists and runs guests, at a hundredth of
    the emulation's speed. So it is tried.
    """
    machine = ("qemu-system-x86_64", "-machine", "pc,accel=kvm")
    try:
        done = subprocess.run(
            [*machine, *_ERRAND, "reboot-timeout=0"],
            capture_output=True,
            check=False,
            timeout=_ERRAND_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return "tcg"
    return "tcg" if done.returncode else "kvm"


def write_shared_image(shape: LabLayout) -> None:
    """What all guests of the lab boot; the kernel comes from the distribution's archive, once."""
    guest_image.write_initramfs(_shared_initramfs(shape), guest_image.kernel())


def start(shape: LabLayout, seat: Seat, pid: int) -> None:
    """Starts the guest on the host whose namespaces `pid` holds; it answers some seconds later."""
    directory = shape.node_directory(seat)
    lab_host.prepare(shape, seat)
    kernel = guest_image.kernel_image(guest_image.kernel())
    (directory / "kernel").write_bytes(kernel.read_bytes())
    _write_initramfs(shape, seat)
    network.add_taps(shape, pid, shape.tap(seat), shape.management_tap(seat))
    run_inside(pid, *_qemu(shape, seat))


def runs(shape: LabLayout, seat: Seat) -> bool:
    """Whether qemu has not ended by itself: it takes its pid file along."""
    return (shape.node_directory(seat) / _PID_FILE).exists()


def _write_initramfs(shape: LabLayout, seat: Seat) -> None:
    """The shared part, and over it what is this guest's own: its keys, name and addresses."""
    directory = shape.node_directory(seat)
    settings = {
        "hostname": seat.name,
        "management": f"{shape.management_ip(seat)}/{shape.management.prefixlen}",
        "test": f"{shape.test_ip(seat)}/{shape.test.prefixlen}",
    }
    with tempfile.TemporaryDirectory() as scratch:
        node = Path(scratch) / "srv/node"
        node.mkdir(parents=True)
        for name in lab_host.SSHD_FILES:
            (node / name).write_bytes((directory / name).read_bytes())
            (node / name).chmod(0o600)
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (node / "guest").write_text("".join(lines))
        own = directory / "initramfs"
        guest_image.write_archive(own, Path(scratch))
    shared = _shared_initramfs(shape).read_bytes()
    own.write_bytes(shared + own.read_bytes())


def _qemu(shape: LabLayout, seat: Seat) -> Sequence[str]:
    files = f"/srv/node/{seat.name}"  # as the host sees the guest's directory
    kind = accelerator()
    # Nothing in ovs-vswitchd finishes the checksums that a guest leaves to its network card.
    offload = "off" if shape.switch == "ovs" and ovs.userspace() else "on"
    return [
        *("qemu-system-x86_64", "-name", f"guest={seat.name}", "-uuid", str(shape.uuid(seat))),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", f"pc,accel={kind}", "-cpu", "host" if kind == "kvm" else "max"),
        *("-smp", "1", "-m", "512"),
        *("-kernel", f"{files}/kernel", "-initrd", f"{files}/initramfs"),
        *("-append", "console=ttyS0 quiet panic=-1"),
        *("-serial", f"file:{files}/console.log"),
        *_card(shape.management_tap(seat), shape.mac(seat, 0), "on"),  # eth0 of the guest
        *_card(shape.tap(seat), shape.mac(seat, 1), offload),  # eth1
        *("-daemonize", "-pidfile", f"{files}/{_PID_FILE}"),
    ]


def _card(tap: str, mac: str, checksums: str) -> Sequence[str]:
    vhost = ",vhost=on" if Path("/dev/vhost-net").exists() else ""
    return (
        *("-netdev", f"tap,id={tap},ifname={tap},script=no,downscript=no{vhost}"),
        *("-device", f"virtio-net-pci,netdev={tap},mac={mac},csum={checksums},romfile="),
    )


def _shared_initramfs(shape: LabLayout) -> Path:
    return shape.directory / "initramfs"
