"""What a tool's host tells of the tool's events: counters before and after a load, and what the
tool printed in between.

Losses are printed by the tool or by its library: `Lost N events` (bpftrace), `Possibly lost N
samples` (BCC), `lost N events on CPU #M!` (libbpf's tools). A line like `dropped` is no loss of
events: tools that watch drops print such lines.
"""

import re
from dataclasses import dataclass

from ..model.errors import ParseError
from . import proc
from .sections import QUOTE, sections

START, END = "start", "end"

_LOST = r"lost ([0-9]+) (events|samples|records)|([0-9]+) (events|samples|records) (were )?lost"
_MAP_FULL = r"map full"
_HASHES = "1|5"  # hash, per-CPU hash: the types that refuse a new key once they are full
_MOST_ENTRIES = 65536
"""A larger map is not counted: bpftool prints every entry."""

# Counts of the whole piece are made on the host: a tool may print 100 MiB in one load. The regular
# expressions go through the environment, because -v of awk would take their backslashes away.
_SCRIPT = (
    QUOTE
    + "label=$1 out=$2 err=$3 out_from=$4 err_from=$5; shift 5; "
    'head() { echo "==> $label $1 <=="; }; '
    'piece() { tail -c "+$((out_from + 1))" -- "$out"; echo; '
    'tail -c "+$((err_from + 1))" -- "$err"; }; '
    "head kernel; uname -r; "
    "head interfaces; quote </proc/net/dev; "
    'head sizes; stat -c %s -- "$out" "$err"; '
    "head kprobes; for t in /sys/kernel/tracing /sys/kernel/debug/tracing; do "
    "[ -r $t/kprobe_profile ] || continue; for p; do "
    'grep -E "_bcc_$p([^0-9]|$)|libbpf_${p}_" $t/kprobe_profile; done | quote; break; done; '
    "for p; do for f in $(grep -ls prog_id /proc/$p/fdinfo/* 2>/dev/null); do "
    'head "program $f"; quote <"$f"; done; done; '
    f'[ "$label" = {END} ] || exit 0; '
    f"head losses; piece | grep -aiE '{_LOST}|{_MAP_FULL}' | sort | uniq -c | quote; "
    "count() { piece | WHAT=$1 SUMS=$2 awk 'match($0, ENVIRON[\"WHAT\"]) { "
    'n += ENVIRON["SUMS"] == 1 ? substr($0, RSTART + RLENGTH) + 0 : 1 } '
    "END { printf \"%.0f\\n\", n }'; }; "
    'head reported; [ -z "$REPORTED" ] || count "$REPORTED" "$SUMMED"; '
    'head filtered; [ -z "$FILTERED" ] || count "$FILTERED" 1; '
    "head maps; command -v bpftool >/dev/null || exit 0; echo counted; "
    "for p; do cat /proc/$p/fdinfo/* 2>/dev/null; done | awk '"
    f"/^map_type:/ {{ hash = $2 ~ /^({_HASHES})$/ }} /^max_entries:/ {{ most = $2 }} "
    "/^map_id:/ && hash { print $2, most }' | sort -u | while read -r id most; do "
    f'[ "$most" -le {_MOST_ENTRIES} ] || {{ echo "$id $most ?"; continue; }}; '
    'n=$(bpftool map dump id "$id" 2>/dev/null | '
    "sed -n 's/^Found \\([0-9]*\\) element.*/\\1/p'); "
    'echo "$id $most ${n:-?}"; done'
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters of the tool's host at one moment."""

    kernel: tuple[int, int]  # its version
    interfaces: dict[str, proc.InterfaceCounters]
    output_bytes: int  # what the tool's two output files hold
    programs: dict[int, proc.OpenProgram]  # by the kernel's id
    kprobe_misses: int | None  # of the tool's probes in tracefs; None: it has none there


@dataclass(frozen=True, slots=True)
class MapUse:
    """How full a hash map of the tool is; entries None: too large to count."""

    id: int
    max_entries: int
    entries: int | None


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Both ends of a load, and what the tool printed in between. None: not told."""

    start: Counters
    end: Counters
    announced: int  # events that the tool said were lost
    map_full: int  # times that the tool said a map is full
    reported: int | None
    filtered: int | None
    maps: tuple[MapUse, ...] | None  # None: no bpftool on the host


def argv(
    label: str, pids: tuple[int, ...], output: str, errors: str, read: tuple[int, int] = (0, 0)
) -> tuple[str, ...]:
    """The reading at one end; `read`: bytes of the two files that were there at the start."""
    return ("sh", "-c", _SCRIPT, "events", label, output, errors, *map(str, (*read, *pids)))


def environment(line: str | None, sums: bool, filtered: str | None) -> dict[str, str]:
    """The variables of the reading at the end: what a line of the output tells."""
    return {
        "LC_ALL": "C",
        "REPORTED": line or "",
        "SUMMED": str(int(sums)),
        "FILTERED": filtered or "",
    }


def parse_sizes(text: str) -> tuple[int, int]:
    """The sizes of the tool's output files at the start. Raises ParseError."""
    return _sizes(sections(text).get(f"{START} sizes", ""), "events")


def parse(text: str, source: str) -> EventCounts:
    """Both readings. Raises ParseError if one is missing or cut."""
    parts = sections(text)
    if f"{END} maps" not in parts:
        raise ParseError(source, "the reading after the load is missing or cut")
    start, end = (_counters(parts, label, source) for label in (START, END))
    losses = parts[f"{END} losses"].split("\n")
    return EventCounts(
        start=start,
        end=end,
        announced=sum(_announced(line) for line in losses),
        map_full=sum(_times(line) for line in losses if re.search(_MAP_FULL, line, re.I)),
        reported=_number(parts[f"{END} reported"], source),
        filtered=_number(parts[f"{END} filtered"], source),
        maps=_maps(parts[f"{END} maps"], source),
    )


def _counters(parts: dict[str, str], label: str, source: str) -> Counters:
    try:
        kernel, net = parts[f"{label} kernel"], parts[f"{label} interfaces"]
        sizes, kprobes = parts[f"{label} sizes"], parts[f"{label} kprobes"]
    except KeyError as error:
        raise ParseError(source, f"no section {error}") from None
    version = re.match(r"(\d+)\.(\d+)", kernel)
    if version is None:
        raise ParseError(source, f"not a kernel's release: {kernel[:40]!r}")
    programs: dict[int, proc.OpenProgram] = {}
    for name, body in parts.items():
        if name.startswith(f"{label} program "):
            held = proc.parse_fdinfo(body, source)
            # a link's descriptor names its program too, but without counters
            if held is not None and (held.program_id not in programs or held.type is not None):
                programs[held.program_id] = held
    return Counters(
        kernel=(int(version[1]), int(version[2])),
        interfaces=proc.parse_net_dev(net, source),
        output_bytes=sum(_sizes(sizes, source)),
        programs=programs,
        kprobe_misses=_kprobe_misses(kprobes, source),
    )


def _kprobe_misses(text: str, source: str) -> int | None:
    """The third column of kprobe_profile: event, hits, misses."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if any(len(row) != 3 for row in rows):
        raise ParseError(source, "not a kprobe_profile")
    return sum(_whole(row[2], source) for row in rows) if rows else None


def _announced(line: str) -> int:
    """Events that a line of `uniq -c` says were lost."""
    found = [int(match[1] or match[3]) for match in re.finditer(_LOST, line, re.IGNORECASE)]
    return _times(line) * sum(found)


def _times(line: str) -> int:
    count = line.split(maxsplit=1)[:1]
    return int(count[0]) if count and count[0].isdigit() else 0


def _maps(text: str, source: str) -> tuple[MapUse, ...] | None:
    if not text:
        return None
    found = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) != 3:
            raise ParseError(source, f"not a map: {line[:40]!r}")
        id, most = _whole(words[0], source), _whole(words[1], source)
        found.append(MapUse(id, most, None if words[2] == "?" else _whole(words[2], source)))
    return tuple(found)


def _sizes(text: str, source: str) -> tuple[int, int]:
    words = text.split()
    if len(words) != 2:
        raise ParseError(source, f"expected the sizes of two files, not {text[:40]!r}")
    return _whole(words[0], source), _whole(words[1], source)


def _number(text: str, source: str) -> int | None:
    return _whole(text, source) if text else None


def _whole(text: str, source: str) -> int:
    if not text.isdigit():
        raise ParseError(source, f"not a whole number: {text[:40]!r}")
    return int(text)
