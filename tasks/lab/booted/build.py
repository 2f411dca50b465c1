"""Boots the machine and has the lab built in it; ends the machine."""

import io
import json
import shlex
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ...model.errors import CommandFailed
from ...model.names import ROOT
from .. import guest, guest_image, lab_host
from ..machine import HERE, end, recorded, start_recorded, wait_until
from ..state import LabLayout, LabMachine, management_network
from .image import MachineImage, machine_image

_BOOT_LIMIT_S = 300.0  # an emulated machine beside other work
_BUILD_LIMIT_S = 900.0
_SENT = ("__init__.py", "lab", "model", "programs")  # of tasks/
NUMBER = 0
"""Of the lab inside; nothing else is there."""

_SCRIPTS = {"initramfs.sh": "init", "first_process.sh": "first_process"}
"""Of the initramfs; they are not in the image, so that another script needs no new one."""

_NODE_FILES = ("host_key", "authorized_keys", "sshd_config_lab")
_SSHD_CONFIG = """\
HostKey /etc/ssh/host_key
AuthorizedKeysFile /etc/ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
LogLevel ERROR
LoginGraceTime 0
"""


def reserve(
    kernel: str, clock: str, names: Sequence[str], before: LabMachine | None = None
) -> LabMachine:
    """A machine that is not booted yet, with a free local port for itself and for each node.

    before: the machine that was there, whose ports it gets if they are free: who measured on it can
    then resume.
    """
    wanted = [0] * (1 + len(names))
    if before is not None and list(before.ports) == list(names):
        wanted = [before.port, *before.ports.values()]
    try:
        ports = _free(wanted)
    except OSError:  # somebody else has one of them now
        ports = _free([0] * len(wanted))
    return LabMachine(kernel, clock, ports[0], dict(zip(names, ports[1:], strict=True)))


def _free(ports: Sequence[int]) -> list[int]:
    """These local ports, for each 0 any free one. OSError if one of them is taken."""
    with ExitStack() as sockets:  # all at once, so that no port is found twice
        probes = [sockets.enter_context(socket.socket()) for _ in ports]
        for probe, port in zip(probes, ports, strict=True):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
        return [int(probe.getsockname()[1]) for probe in probes]


def build(layout: LabLayout, begin: Callable[[str], None], ended: Callable[[], bool]) -> None:
    """Boots the machine and builds the lab in it, unless `ended()` meanwhile.

    Leaves in the lab's folder what reaches the nodes: identity, known_hosts.
    """
    own = layout.machine
    assert own is not None
    image = machine_image(own.kernel, begin)
    kind = accelerator(own)
    begin(f"booting the machine: Linux {own.kernel}, {kind}, {own.clock} clock")
    _prepare(layout, image)
    start_recorded(layout.machine_record, _folder(layout) / "qemu.log", _qemu(layout, image))

    def answers() -> bool:
        return ended() or lab_host.answers("127.0.0.1", own.port)

    wait_until(
        answers,
        _BOOT_LIMIT_S,
        "the machine answers",
        console(layout),
        alive=partial(runs, layout),
    )
    begin("building the lab in the machine")
    _send_code(layout)
    words = [layout.name, ",".join(layout.layers), layout.switch]
    shown = _on_machine(layout, "python3", "-m", "tasks.lab.booted.inside", *words)
    _take_over(layout, json.loads(shown))


def runs(layout: LabLayout) -> bool:
    """Whether the machine, and so every node, runs."""
    return recorded(layout.machine_record) is not None


def console(layout: LabLayout) -> Path:
    """What the kernel and the machine's sshd say."""
    return _folder(layout) / "console.log"


def stop(layout: LabLayout) -> None:
    """Ends the machine, if it runs, and so everything in it."""
    if (process := recorded(layout.machine_record)) is not None:
        end(process)


def accelerator(own: LabMachine) -> str:
    """ "kvm" or "tcg"; only emulation counts instructions."""
    return "tcg" if own.clock == "instructions" else guest.accelerator()


def _folder(layout: LabLayout) -> Path:
    return layout.machine_record.parent


def _prepare(layout: LabLayout, image: MachineImage) -> None:
    """The machine's keys, and its initramfs: the image's, followed by scripts and keys."""
    own, folder = layout.machine, _folder(layout)
    assert own is not None
    folder.mkdir(parents=True)
    lab_host.keygen(folder / "identity", f"machine of lab {layout.name}")
    lab_host.keygen(folder / "host_key", "machine")
    shutil.copy(folder / "identity.pub", folder / "authorized_keys")
    (folder / "sshd_config_lab").write_text(_SSHD_CONFIG)
    kind, key, *_ = (folder / "host_key.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{own.port} {kind} {key}\n")
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch) / "srv/node"
        files.mkdir(parents=True)
        for name in _NODE_FILES:
            shutil.copy(folder / name, files / name)
        for script, name in _SCRIPTS.items():
            target = Path(scratch) / name
            shutil.copy(Path(__file__).with_name(script), target)
            target.chmod(0o755)
        initramfs = folder / "initramfs"
        guest_image.write_archive(initramfs, Path(scratch))
    initramfs.write_bytes(image.initramfs.read_bytes() + initramfs.read_bytes())


def _qemu(layout: LabLayout, image: MachineImage) -> Sequence[str]:
    own, folder = layout.machine, _folder(layout)
    assert own is not None
    return [
        *("qemu-system-x86_64", "-name", f"lab-{layout.name}"),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *_cpu(own),
        *("-kernel", str(image.kernel), "-initrd", str(folder / "initramfs")),
        *("-append", "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable"),
        *("-serial", f"file:{console(layout)}"),
        *("-drive", f"file={image.disk},format=raw,if=virtio,snapshot=on"),
        *_card("machine", "10.0.2.0/24", {own.port: "10.0.2.15"}),
        *_card("lab", str(management_network(NUMBER)), dict(_forwarded(layout))),
    ]


def _cpu(own: LabMachine) -> Sequence[str]:
    """With the instruction clock one CPU, each of whose instructions takes 2 ns of its time. While
    it idles its clock follows this machine's (`sleep=on`, the default), or SSH would time out."""
    if own.clock == "instructions":
        single = ("-accel", "tcg,thread=single,tb-size=1024", "-icount", "shift=1", "-smp", "1")
        return ("-M", "q35", "-cpu", "EPYC,+svm,+npt", *single, "-m", "3072")
    if accelerator(own) == "kvm":
        return ("-M", "q35", "-cpu", "host", "-accel", "kvm", "-smp", "2", "-m", "3072")
    several = ("-accel", "tcg,thread=multi,tb-size=1024", "-smp", "2")
    return ("-M", "q35", "-cpu", "EPYC,+svm,+npt", *several, "-m", "3072")


def _card(name: str, network: str, forwarded: Mapping[int, str]) -> Sequence[str]:
    """A network card on a user network of its own. forwarded: local port -> address behind it."""
    rules = "".join(f",hostfwd=tcp:127.0.0.1:{p}-{to}:22" for p, to in forwarded.items())
    return (
        *("-netdev", f"user,id={name},net={network},restrict=on{rules}"),
        *("-device", f"virtio-net-pci,netdev={name},romfile="),
    )


def _forwarded(layout: LabLayout) -> Iterator[tuple[int, str]]:
    assert layout.machine is not None
    for node in layout.nodes:
        yield layout.machine.ports[node.name], str(layout.management_ip(node))


def _send_code(layout: LabLayout) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name in _SENT:
            tar.add(ROOT / "tasks" / name, f"tasks/{name}", filter=_source)
    _on_machine(layout, "tar", "-C", "/srv", "-xz", sent=archive.getvalue())


def _source(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member


def _on_machine(layout: LabLayout, *argv: str, sent: bytes = b"") -> str:
    """Standard output of a command that must succeed on the machine. Raises CommandFailed."""
    own, folder = layout.machine, _folder(layout)
    assert own is not None
    done = subprocess.run(
        [
            *("ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"),
            *("-o", f"UserKnownHostsFile={folder}/known_hosts", "-i", str(folder / "identity")),
            *("-p", str(own.port), "root@127.0.0.1"),
            f"cd /srv && exec {shlex.join(argv)}",
        ],
        input=sent, capture_output=True, check=False, timeout=_BUILD_LIMIT_S,
    )  # fmt: skip
    if done.returncode:
        stderr = done.stderr.decode(errors="replace")
        failed = f"{argv[0]} failed in the lab's machine"
        raise CommandFailed(
            HERE, failed, command=shlex.join(argv), status=done.returncode, stderr=stderr
        )
    return done.stdout.decode()


def _take_over(layout: LabLayout, built: Mapping[str, Mapping[str, str] | str]) -> None:
    """Writes the nodes' keys as they are reached from here."""
    own, keys = layout.machine, built["host_keys"]
    assert own is not None and isinstance(keys, Mapping)
    identity = layout.directory / "identity"
    identity.touch(mode=0o600)
    identity.write_text(str(built["identity"]))
    lines = [f"[127.0.0.1]:{own.ports[name]} {key}\n" for name, key in keys.items()]
    (layout.directory / "known_hosts").write_text("".join(lines))
