"""Where BPF programs attach, and whether a kernel has that place.

An attach point is written `kprobe:tcp_v4_connect`, `tracepoint:skb:kfree_skb`,
`raw_tracepoint:sched_switch`; `fentry:f | kprobe:f` is either of two. Asked of a kernel is the
function or the tracepoint behind it, its symbol: `function:tcp_v4_connect`,
`tracepoint:skb:kfree_skb`, `tracepoint:*:sched_switch`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from .sections import sections

_NAMED = 3  # alternatives at most
_GENERATED = re.compile(
    r"__(pfx|cfi|SCT|SCK|bpf_trace|probestub|traceiter|tracepoint)_|(perf_|raw_)?trace_"
)
"""Names that the kernel's build adds to those of functions and tracepoints: no advice."""
_FUNCTIONS = ("kprobe", "kretprobe", "kfunc", "kretfunc", "fentry", "fexit")
_RAW = ("raw_tracepoint", "rawtracepoint", "tp_btf")

LIST_SCRIPT = """
# usage: … SYMBOL… : the kernel's functions and tracepoints that hold one of the names
events=/sys/kernel/tracing/events
[ -d $events/sched ] || events=/sys/kernel/debug/tracing/events
functions='
do_exit' places='
sched/sched_switch/' # every kernel has these: without them the lists were not readable
for symbol do
    name=${symbol#*:}
    case $symbol in
    function:*) functions="$functions
$name" ;;
    tracepoint:\\**) places="$places
/${name#*:}" ;;
    *) places="$places
${name%%:*}/" ;;
    esac
done
echo '==> functions <=='
# the kernel refuses probes on functions that its function tracer does not know: copies of inline
# ones, notrace
resembling() {
    awk -v column="$1" '{print $column}' "$2" 2>/dev/null | grep -F -e "${functions#?}" | sort -u
}
found=$(resembling 1 ${events%/events}/available_filter_functions)
echo "${found:-$(resembling 3 /proc/kallsyms)}"
echo '==> events <=='
(cd $events 2>/dev/null && ls -d */*/) | grep -F -e "${places#?}"
echo '==> kernel <=='
uname -r
"""
"""Lists what resembles the symbols in its arguments; `parse_symbols` reads it. Needs root."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """What a kernel has of the symbols that it was asked for.

    has: those that it has. lacks: symbol -> names that it has instead, at most three. A symbol in
    neither was not asked for, or the kernel does not say.
    """

    release: str
    has: tuple[str, ...]
    lacks: dict[str, tuple[str, ...]]

    def why_not(self, attach_points: Iterable[str]) -> str | None:
        """Why a tool that needs all of these points cannot attach; None: not known to fail."""
        for point in attach_points:
            symbols = symbols_of([point])
            if symbols and all(symbol in self.lacks for symbol in symbols):
                return lacks_sentence(self.release, symbols[-1], self.lacks[symbols[-1]])
        return None

    def known(self, attach_points: Iterable[str]) -> bool:
        """Whether the kernel was asked about every one of these points."""
        return all(s in self.has or s in self.lacks for s in symbols_of(attach_points))


def symbols_of(attach_points: Iterable[str]) -> list[str]:
    """The symbols to ask for, each once; points of other kinds (perf_event, uprobe …) have none."""
    found = []
    for point in attach_points:
        for one in point.split("|"):
            kind, _, name = one.strip().partition(":")
            if kind in _FUNCTIONS:
                found.append(f"function:{name}")
            elif kind == "tracepoint":
                found.append(f"tracepoint:{name}")
            elif kind in _RAW:
                found.append(f"tracepoint:*:{name}")
    return list(dict.fromkeys(found))


def parse_symbols(text: str, asked: Sequence[str]) -> Symbols:
    """The answer of `LIST_SCRIPT`. A kind of which nothing at all was listed is not known."""
    found = sections(text)
    functions = found.get("functions", "").split()
    events = [":".join(line.strip("/").split("/")) for line in found.get("events", "").split()]
    has, lacks = [], {}
    for symbol in asked:
        kind, _, name = symbol.partition(":")
        names = functions if kind == "function" else events
        if name.startswith("*:"):
            name, names = name[2:], [event.partition(":")[2] for event in events]
        if name in names:
            has.append(symbol)
        elif names:
            subsystem = f"{name.partition(':')[0]}:" if ":" in name else ""
            advisable = [n for n in names if n.startswith(subsystem) and not _GENERATED.match(n)]
            lacks[symbol] = tuple(nearest(name, advisable))
    return Symbols(found.get("kernel", "").strip(), tuple(has), lacks)


def lacks_sentence(release: str, symbol: str, instead: Sequence[str]) -> str:
    """`Linux 6.1 has no function kfree_skb to trace; it has kfree_skb_reason`."""
    kind, _, name = symbol.partition(":")
    name = name.removeprefix("*:")
    what = f"tracepoint {name}" if kind == "tracepoint" else f"function {name} to trace"
    return f"Linux {release} has no {what}; it has {', '.join(instead) or 'none of a similar name'}"


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """Those made of the name (name_reason, __name) first, then others that hold it, shortest first;
    else those that resemble it."""

    def order(one: str) -> tuple[bool, int, str]:
        return not (one.startswith(f"{name}_") or one == f"__{name}"), len(one), one

    holding = sorted({one for one in known if name in one}, key=order)
    return (holding or get_close_matches(name, known))[:_NAMED]


_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_PROBE = re.compile(
    rf"(?<![\w:.$@])(?P<kind>{'|'.join(_FUNCTIONS)}|tracepoint|{'|'.join(_RAW)}|kr?|t|rt):"
    r"(?P<name>[A-Za-z_]\w*(?::[A-Za-z_]\w*)?)(?P<rest>[\w*?\[\].+:]*)"
)
_SHORT = {"k": "kprobe", "kr": "kretprobe", "t": "tracepoint", "rt": "rawtracepoint"}


def bpftrace_attach_points(source: str) -> tuple[str, ...]:
    """The attach points of a bpftrace program. Those with a wildcard, an offset or a module in
    their name are left out: they may match nothing without an error, or are not one symbol."""
    code = _COMMENT.sub(" ", source)
    code = re.sub(r"\{[^{}]*\}", " ", _without_inner_braces(code))
    found = []
    for match in _PROBE.finditer(code):
        kind = _SHORT.get(match["kind"], match["kind"])
        parts = 2 if kind == "tracepoint" else 1
        if not match["rest"] and match["name"].count(":") == parts - 1:
            found.append(f"{kind}:{match['name']}")
    return tuple(dict.fromkeys(found))


def _without_inner_braces(code: str) -> str:
    """The code with every block inside another one removed."""
    while (shorter := re.sub(r"(\{[^{}]*)\{[^{}]*\}", r"\1", code)) != code:
        code = shorter
    return code
