"""The ledger of a cell: occurred = reported + filtered + lost + missed + unknown.

A tool that loses events is cheaper. The account spans the load, from before its first packet until
after its last, so no event is under way at either end. What cannot be seen is null, never 0.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

from ..model.bilingual import Bilingual
from ..model.errors import ParseError
from ..model.outcome import Ledger
from ..model.plan import Case, PacketDirection
from ..programs.event_counts import Counters, EventCounts, MapUse

_TRACING = 26  # fentry and fexit
_KPROBE = 2
_SPARE, _SPARE_SHARE = 5, 0.001
"""So many more events may be reported than occurred: packets of others at the two ends."""

_B = Bilingual
_NO_RULE = _B(
    "the catalogue does not say how its output counts events", "工具目录未说明其输出如何统计事件"
)
_EMPTIED = _B(
    "its output was emptied at the cap: not all of it was counted",
    "其输出达到上限后被清空，无法完整统计",
)
_MORE = _B(
    "it reported and lost more events than occurred: some are of before",
    "上报与丢失之和多于实际发生：部分属于此前的事件",
)
_FULL = _B("a map is full: further keys are lost without a trace", "映射表已满，新的键会无声丢失")
_SILENT = _B(
    "it does not announce losses, and nothing else counts its events",
    "该工具不报告丢失，也没有其他途径统计其事件",
)
_MISSES = _B("this kernel does not count missed probes of this kind",
             "该内核不统计此类探针的漏触发")  # fmt: skip


def ledger(
    counts: EventCounts, case: Case, interface: str | None, node: str, *, emptied: bool
) -> Ledger:
    """The account of one tool over one load.

    `interface`: the server's, if the tool runs there. `emptied`: the tool's output was cut at the
    cap in between. Percentages are of the events that occurred; where nothing counts these, of
    those that were reported, filtered or are known to be lost.
    """
    rule = case.events
    reported = None if rule is None or emptied else counts.reported
    filtered = None if emptied else counts.filtered
    occurred = _packets(counts, interface, rule.packets if rule else None)
    lost = counts.announced if counts.announced or (_announces(case) and not emptied) else None
    missed = _missed(counts)
    full = _full_maps(counts.maps)
    gone = (lost or 0) + (missed or 0)
    unknown, low, high, reason = None, None, None, None
    if occurred and reported is not None:
        rest = occurred - reported - (filtered or 0) - gone
        low = 100 * min(gone, max(0, occurred - reported - (filtered or 0))) / occurred
        if rest >= -max(_SPARE, _SPARE_SHARE * occurred):
            unknown = max(0, rest)
            high = 100 * min(gone + unknown, occurred) / occurred
        else:
            reason = _MORE
    elif reported is not None and reported + gone:
        low = 100 * gone / (reported + (filtered or 0) + gone)
        reason = (
            _SILENT if lost is None
            else _FULL if full or counts.map_full
            else _MISSES if missed is None
            else None
        )  # fmt: skip
        high = low if reason is None and full is not None else None
    elif (lost, missed, full) == (0, 0, 0) and not counts.map_full:
        low = high = 0.0  # of however many
    else:
        reason = _FULL if full else _NO_RULE if rule is None else _EMPTIED if emptied else _SILENT
    return Ledger(
        node=node, part=case.name,
        occurred=occurred, reported=reported, filtered=filtered, lost=lost, missed=missed,
        unknown=unknown, full_maps=full, lost_low_pct=low, lost_high_pct=high,
        reason=reason.en if reason else None, reason_zh=reason.zh if reason else None,
    )  # fmt: skip


def unreadable(case: Case, node: str, error: ParseError) -> Ledger:
    """Of a cell whose counts cannot be read: its figures stand, and nothing is known of losses."""
    nothing = (None,) * 9
    return Ledger(node, case.name, *nothing, str(error))


def _announces(case: Case) -> bool:
    """Whether silence means that its buffers lost nothing: of bpftrace this is known."""
    words = [PurePosixPath(word).name for word in case.command.split()]
    return next((word for word in words if word != "sudo"), "") == "bpftrace"


def _packets(
    counts: EventCounts, interface: str | None, which: PacketDirection | None
) -> int | None:
    start, end = (ends.interfaces.get(interface or "") for ends in (counts.start, counts.end))
    if which is None or start is None or end is None:
        return None
    received, sent = end.rx_packets - start.rx_packets, end.tx_packets - start.tx_packets
    return {"rx": received, "tx": sent, "both": received + sent}[which]


def _missed(counts: EventCounts) -> int | None:
    """Times that a probe was hit and its program did not run; None where the kernel hides them."""
    start, end = counts.start, counts.end
    known = start.programs.keys() & end.programs.keys()
    grown = [
        _grown(end.programs[id].recursion_misses, start.programs[id].recursion_misses)
        for id in known
    ]
    of_kprobes = _grown(end.kprobe_misses, start.kprobe_misses)
    total = sum(filter(None, grown)) + (of_kprobes or 0)
    seen = bool(known) and all(_counts_misses(end, id, of_kprobes) for id in known)
    return total if total or (seen and None not in grown) else None


def _counts_misses(ends: Counters, id: int, of_kprobes: int | None) -> bool:
    """fentry since 5.12 (where fdinfo shows them), the others since 6.7; a kprobe is missed by the
    kprobe itself too, which only a probe in tracefs tells."""
    kind = ends.programs[id].type
    return kind == _TRACING or (
        ends.kernel >= (6, 7) and (kind != _KPROBE or of_kprobes is not None)
    )


def _grown(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def _full_maps(maps: Iterable[MapUse] | None) -> int | None:
    """Hash maps that hold all the entries that they can; None if one could not be counted."""
    if maps is None:
        return None
    listed = list(maps)
    full = sum(use.entries is not None and use.entries >= use.max_entries for use in listed)
    return full if full or all(use.entries is not None for use in listed) else None
