"""bpftool and tc: the eBPF and traffic control state of a host, compared before and after a tool.

Counters and times are left out, so that equal states are equal sets.
"""

import re
from dataclasses import dataclass
from typing import Any

from ..model.errors import ParseError
from .strict import load_json

_COUNTERS = re.compile(r"^\s*(Sent|backlog|rate) |\b(installed|used|expires) \d+ sec")


@dataclass(frozen=True, slots=True, order=True)
class LoadedProgram:
    """A loaded BPF program. The kernel does not reuse an id before the next boot."""

    id: int
    name: str
    type: str
    tag: str


@dataclass(frozen=True, slots=True, order=True)
class BpfLink:
    """A link, and the program it attaches."""

    id: int
    type: str
    program_id: int | None


@dataclass(frozen=True, slots=True, order=True)
class Attachment:
    """An XDP, tc or flow dissector program on an interface."""

    hook: str
    device: str
    detail: str


@dataclass(frozen=True, slots=True)
class BpfState:
    """Everything that could be residue of a tool on its host.

    None: that part is unknown (kernel 4.19 cannot list links and has no `bpftool net`).
    """

    programs: frozenset[LoadedProgram] | None = frozenset()
    links: frozenset[BpfLink] | None = frozenset()
    attachments: frozenset[Attachment] | None = frozenset()
    pins: frozenset[str] | None = frozenset()
    traffic_control: frozenset[str] | None = frozenset()

    def known(self) -> frozenset[str]:
        """Names of the parts that are known."""
        return frozenset(name for name in _PARTS if getattr(self, name) is not None)

    def difference(self, before: "BpfState") -> tuple[str, ...]:
        """Items added (`+`) and removed (`-`) since `before`, sorted.

        Compares only the parts that both states know.
        """
        changes = []
        for name in self.known() & before.known():
            now, then = getattr(self, name), getattr(before, name)
            changes += [f"+ {name}: {item}" for item in now - then]
            changes += [f"- {name}: {item}" for item in then - now]
        return tuple(sorted(changes))


_PARTS = ("programs", "links", "attachments", "pins", "traffic_control")


def prog_list_argv() -> tuple[str, ...]:
    """Programs with their pinned paths (`-f` walks the bpffs mounts)."""
    return ("bpftool", "-j", "-f", "prog", "show")


def link_list_argv() -> tuple[str, ...]:
    return ("bpftool", "-j", "link", "show")


def map_list_argv() -> tuple[str, ...]:
    return ("bpftool", "-j", "map", "show")


def perf_list_argv() -> tuple[str, ...]:
    """Programs on kprobes, uprobes and tracepoints, by the descriptors that hold them there."""
    return ("bpftool", "-j", "perf", "show")


def net_list_argv() -> tuple[str, ...]:
    """XDP, tc and flow dissector programs in the network namespace it is run in."""
    return ("bpftool", "-j", "net", "show")


def qdisc_argv(device: str) -> tuple[str, ...]:
    return ("tc", "qdisc", "show", "dev", device)


def filter_argv(device: str, direction: str) -> tuple[str, ...]:
    """`direction`: ingress or egress."""
    return ("tc", "filter", "show", "dev", device, direction)


def parse_programs(text: str, source: str) -> frozenset[LoadedProgram]:
    """`bpftool -j prog show`."""
    return frozenset(
        LoadedProgram(
            _int(entry, "id", source),
            str(entry.get("name", "")),
            str(entry.get("type", "")),
            str(entry.get("tag", "")),
        )
        for entry in _entries(text, source)
    )


def parse_pins(text: str, source: str) -> frozenset[str]:
    """Paths under which programs are pinned, from `bpftool -j -f prog show`."""
    return frozenset(
        str(path) for entry in _entries(text, source) for path in entry.get("pinned") or ()
    )


def parse_maps_of(text: str, source: str) -> dict[int, tuple[int, ...]]:
    """Program id -> the ids of the maps that it uses, from `bpftool -j prog show`."""
    return {
        _int(entry, "id", source): tuple(entry.get("map_ids") or ())
        for entry in _entries(text, source)
    }


def parse_map_sizes(text: str, source: str) -> dict[int, int]:
    """Map id -> bytes that the kernel accounts for it, from `bpftool -j map show`."""
    return {
        _int(entry, "id", source): _int(entry, "bytes_memlock", source)
        for entry in _entries(text, source)
    }


def parse_links(text: str, source: str) -> frozenset[BpfLink]:
    """`bpftool -j link show`."""
    return frozenset(
        BpfLink(
            _int(entry, "id", source),
            str(entry.get("type", "")),
            _int(entry, "prog_id", source) if "prog_id" in entry else None,
        )
        for entry in _entries(text, source)
    )


def parse_probes(perf: str, links: str, source: str) -> dict[int, str]:
    """Program id -> the kind of its probe, from `bpftool -j perf show` and `-j link show`.

    kprobe, kretprobe, uprobe, uretprobe, tracepoint, raw_tracepoint, fentry, fexit, tp_btf. A
    program that neither names (of XDP or tc, or a timer's) is not in it.
    """
    found = {
        _int(entry, "prog_id", source): str(entry["fd_type"])
        for entry in _entries(perf, source)
        if "fd_type" in entry
    }
    for entry in _entries(links, source):
        kind = _LINKED.get(str(entry.get("attach_type", entry.get("type"))))
        if kind is not None:
            found.setdefault(_int(entry, "prog_id", source), kind)
    return found


_LINKED = {
    "trace_fentry": "fentry",
    "trace_fexit": "fexit",
    "trace_raw_tp": "tp_btf",
    "raw_tracepoint": "raw_tracepoint",
}


def parse_net(text: str, source: str) -> frozenset[Attachment]:
    """`bpftool -j net show`."""
    return frozenset(
        _attachment(hook, entry)
        for namespace in _entries(text, source)
        for hook, attached in namespace.items()
        for entry in _objects(attached, source)
    )


def _attachment(hook: str, entry: dict[str, Any]) -> Attachment:
    device = str(entry.get("devname", entry.get("ifindex", "")))
    rest = sorted((k, v) for k, v in entry.items() if k not in ("devname", "ifindex"))
    return Attachment(hook, device, " ".join(f"{k}={v}" for k, v in rest))


def parse_traffic_control(text: str) -> frozenset[str]:
    """Lines of `tc qdisc show` or `tc filter show`, without counters."""
    lines = (line.strip() for line in text.splitlines() if not _COUNTERS.search(line))
    return frozenset(line for line in lines if line)


def _entries(text: str, source: str) -> list[dict[str, Any]]:
    listed = load_json(text, source)
    if isinstance(listed, dict) and "error" in listed:
        raise ParseError(source, f"bpftool: {listed['error']}")
    return _objects(listed, source)


def _objects(listed: Any, source: str) -> list[dict[str, Any]]:
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise ParseError(source, "not a list of objects")
    return listed


def _int(entry: dict[str, Any], key: str, source: str) -> int:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParseError(source, f"{key} is not a whole number: {value!r}")
    return value
