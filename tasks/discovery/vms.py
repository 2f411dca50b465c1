"""A VM as its host sees it, from /proc alone: qemu process, tap device, vhost threads."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..programs.proc import parse_process
from ..programs.sections import sections
from .links import Links

Options = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Qemu:
    """One qemu process: its command line, the taps that it holds open, its vhost threads."""

    pid: int
    arguments: tuple[str, ...]
    taps: Mapping[str, str]  # tap device by descriptor number; one for each queue
    vhost_pids: tuple[int, ...]  # oldest first

    @property
    def uuid(self) -> str | None:
        return next((value.lower() for value in self._values("-uuid")), None)

    @property
    def tap_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.taps.values()))

    def options(self, flag: str) -> tuple[Options, ...]:
        return tuple(_options(value) for value in self._values(flag))

    def _values(self, flag: str) -> Iterator[str]:
        """What follows each occurrence of the flag."""
        return (value for given, value in pairwise(self.arguments) if given == flag)


def _options(text: str) -> Options:
    """`tap,fd=31,id=n0`, or the same as JSON from newer libvirt."""
    if text.startswith("{"):
        return {key: str(value) for key, value in json.loads(text).items()}
    head, *rest = text.split(",")
    return {"type": head, **dict(pair.split("=", 1) for pair in rest if "=" in pair)}


_FDINFO = re.compile(r"/fdinfo/(\d+):iff:\s*(\S+)")
_THREAD = re.compile(r"^(\d+) \(vhost-(\d+)\) .*$")


def parse_qemus(text: str) -> tuple[Qemu, ...]:
    """Every qemu process of the `qemus` probe."""
    parts = sections(text)
    threads = _vhost_threads(parts.get("vhost", ""))
    return tuple(
        Qemu(
            pid := int(title.split()[0]),
            tuple(section.split("\n")),
            dict(_FDINFO.findall(parts.get(f"{pid} taps", ""))),
            threads.get(pid, ()),
        )
        for title, section in parts.items()
        if title.endswith(" cmdline")
    )


def _vhost_threads(text: str) -> dict[int, tuple[int, ...]]:
    """Threads named `vhost-<qemu pid>` by that pid, oldest first; from /proc/<tid>/stat."""
    found: dict[int, dict[int, int]] = {}
    for line in text.splitlines():
        if match := _THREAD.match(line):
            started = parse_process(line, "vhost threads").start_ticks
            found.setdefault(int(match[2]), {})[int(match[1])] = started
    return {
        qemu: tuple(sorted(threads, key=lambda tid: (threads[tid], tid)))
        for qemu, threads in found.items()
    }


def tap_of(qemu: Qemu, mac: str, links: Links) -> str | None:
    """The tap of the guest's NIC with that MAC; None where several taps are possible.

    The command line links the MAC's device to a netdev and that to descriptors or a name. A NIC
    that was plugged in later is found by its tap's own MAC, which libvirt derives from the guest's
    with fe as first byte. A VM with one tap leaves no choice.
    """
    for device in qemu.options("-device"):
        if device.get("mac", "").lower() == mac.lower():
            tap = _netdev_tap(qemu, device.get("netdev"))
            if tap:
                return tap
    for name in qemu.tap_names:
        own = links[name].mac if name in links else None
        if own and own.lower()[:2] == "fe" and own.lower()[2:] == mac.lower()[2:]:
            return name
    return qemu.tap_names[0] if len(qemu.tap_names) == 1 else None


def _netdev_tap(qemu: Qemu, netdev: str | None) -> str | None:
    for options in qemu.options("-netdev"):
        if options.get("id") == netdev:
            return options.get("ifname") or next(
                (qemu.taps[fd] for fd in _queues(options, "fd") if fd in qemu.taps), None
            )
    return None


def _queues(options: Options, key: str) -> Sequence[str]:
    """A netdev's descriptors: `fd=31`, or `fds=31:33` for several queues."""
    return (options.get(key) or options.get(f"{key}s") or "").split(":")


def vhost_pids_of(qemu: Qemu, tap: str) -> tuple[int, ...] | None:
    """The vhost threads that serve this tap; None where that cannot be decided.

    qemu starts a thread for each queue, netdev by netdev in the order of its command line. If the
    counts do not add up (a NIC was plugged in later), that order says nothing.
    """
    if len(qemu.tap_names) == 1:
        return qemu.vhost_pids
    counts = {tap_name: count for tap_name, count in _vhost_counts(qemu) if tap_name}
    if sum(counts.values()) != len(qemu.vhost_pids) or tap not in counts:
        return None
    before = list(counts)[: list(counts).index(tap)]
    start = sum(counts[name] for name in before)
    return qemu.vhost_pids[start : start + counts[tap]]


def _vhost_counts(qemu: Qemu) -> Iterator[tuple[str | None, int]]:
    """Each netdev's tap and number of vhost threads, in the command line's order."""
    for options in qemu.options("-netdev"):
        if options.get("type") == "tap":
            on = options.get("vhost", "").lower() in ("on", "true")
            queues = int(options.get("queues", 0)) or len(_queues(options, "fd"))
            yield _netdev_tap(qemu, options.get("id")), queues if on else 0


def parse_domiflist(text: str) -> dict[str, str]:
    """`virsh domiflist`: tap device by the guest's MAC."""
    rows = (line.split() for line in text.splitlines())
    return {row[-1].lower(): row[0] for row in rows if len(row) == 5 and row[-1].count(":") == 5}
