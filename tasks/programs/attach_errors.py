"""What a tool says when the kernel has no such probe. Recorded: bpftrace 0.17, BCC 0.26."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MissingProbe:
    """A probe that a tool could not attach. name: of a function, or subsystem:event."""

    kind: str  # kprobe, kretprobe, kfunc, tracepoint …
    name: str

    @property
    def is_tracepoint(self) -> bool:
        return self.kind == "tracepoint"


_SAID = (
    # bpftrace: ERROR: Error attaching probe: 'kprobe:kfree_skb'
    re.compile(r"Error attaching probe: '?(?P<kind>k(?:ret)?(?:probe|func)):(?P<name>\w+)"),
    # bpftrace: ERROR: tracepoint not found: skb:drop
    re.compile(r"(?P<kind>tracepoint) not found: (?P<name>\w+:\w+)"),
    # BCC: Failed to attach BPF program b'f' to kprobe b'kfree_skb'
    re.compile(
        r"Failed to attach BPF program \S+ to (?P<kind>k(?:ret)?probe|tracepoint) "
        r"b?'?(?P<name>\w+(?::\w+)?)"
    ),
)


def missing_probe(text: str) -> MissingProbe | None:
    """The first probe that `text`, a tool's messages, names as one that was not attached."""
    found = [match for said in _SAID if (match := said.search(text))]
    if not found:
        return None
    first = min(found, key=lambda match: match.start())
    return MissingProbe(first["kind"], first["name"])
