"""The eBPF state of a host: the programs that a process holds, and all residue a tool could leave.

A process's own programs are read from its fdinfo, which needs nothing installed; the state of the
whole host comes from bpftool. Without bpftool the state is None, which does not mean "clean".
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from ..model.errors import ParseError
from ..programs import bpftool, proc
from ..programs.sections import QUOTE, sections
from .host_time import host_time_s
from .shell import CommandResult, Shell

_T = TypeVar("_T")
_FDINFO = (
    f"{QUOTE}for p; do for f in $(grep -ls prog_id /proc/$p/fdinfo/* 2>/dev/null); do "
    'echo "==> $f <=="; quote <"$f"; done; done'
)
_POLL_S = 0.25
_TYPES = {2: "kprobe", 5: "tracepoint", 6: "xdp", 3: "sched_cls", 7: "perf_event",
          17: "raw_tracepoint", 24: "raw_tracepoint_writable", 26: "tracing"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """A program's counters at one moment; None if the kernel does not count."""

    program_id: int
    type: str
    tag: str
    run_cnt: int | None
    run_time_ns: int | None


async def programs_of(shell: Shell, pids: Iterable[int]) -> dict[int, Counted]:
    """The BPF programs that these processes hold open, by the kernel's id."""
    listed = [str(pid) for pid in pids]
    if not listed:
        return {}
    answer = await shell.run(("sh", "-c", _FDINFO, "sh", *listed), check=False)
    found: dict[int, Counted] = {}
    for source, body in sections(answer.stdout).items():
        held = proc.parse_fdinfo(body, source)
        # A link's descriptor names its program too, but without counters: prefer the program's own.
        if held is not None and (held.program_id not in found or held.run_cnt is not None):
            kind = _TYPES.get(held.type or 0, "") or f"type_{held.type}"
            found[held.program_id] = Counted(
                held.program_id, kind, held.tag, held.run_cnt, held.run_time_ns
            )
    return found


async def state_of(shell: Shell, devices: Iterable[str]) -> bpftool.BpfState | None:
    """Programs, links, attachments, pins and tc of the host; None if none of them is known."""
    devices = tuple(devices)
    commands = [bpftool.prog_list_argv(), bpftool.link_list_argv(), bpftool.net_list_argv()]
    for device in devices:
        commands += [
            bpftool.qdisc_argv(device),
            bpftool.filter_argv(device, "ingress"),
            bpftool.filter_argv(device, "egress"),
        ]
    answers = await asyncio.gather(*(shell.run(argv, check=False) for argv in commands))
    programs, links, net, *tc = answers
    name = shell.node.name
    state = bpftool.BpfState(
        programs=_parsed(bpftool.parse_programs, programs, f"{name}: bpftool prog"),
        links=_parsed(bpftool.parse_links, links, f"{name}: bpftool link"),
        attachments=_parsed(bpftool.parse_net, net, f"{name}: bpftool net"),
        pins=_parsed(bpftool.parse_pins, programs, f"{name}: bpftool prog"),
        traffic_control=None
        if any(answer.status == _NOT_FOUND for answer in tc)
        else frozenset().union(*(bpftool.parse_traffic_control(answer.stdout) for answer in tc)),
    )
    return state if state.known() - {"traffic_control"} or devices else None


_NOT_FOUND = 127


def _parsed(
    parse: Callable[[str, str], frozenset[_T]], answer: CommandResult, source: str
) -> frozenset[_T] | None:
    try:
        return parse(answer.stdout, source)
    except ParseError:
        return None


async def residue_of(
    shell: Shell, before: bpftool.BpfState, devices: Iterable[str], within_s: float
) -> tuple[str, ...] | None:
    """The differences from the state `before`; waits up to `within_s` until there are none.

    None if the state is not fully known. Programs and links that are gone were not the tool's, and
    do not count.
    """
    devices, until = tuple(devices), await host_time_s(shell) + within_s
    while True:
        now = await state_of(shell, devices)
        changes = () if now is None else now.difference(before)
        residue = tuple(line for line in changes if not line.startswith(("- programs", "- links")))
        is_known = now is not None and before.known() <= now.known()
        if (is_known and not residue) or await host_time_s(shell) > until:
            return residue if residue or is_known else None
        await asyncio.sleep(_POLL_S)
