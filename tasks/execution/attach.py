"""Why a tool could not attach: the probe that its host's kernel lacks, and what it has instead."""

from difflib import get_close_matches

from ..programs.attach_errors import MissingProbe, missing_probe
from .shell import Shell

_TRACING = "/sys/kernel/tracing"
_FUNCTIONS = f"{_TRACING}/available_filter_functions"
_NAMED = 3  # alternatives at most


async def lacking(shell: Shell, said: str) -> str | None:
    """`Linux 6.1 has no function kfree_skb to trace; it has kfree_skb_reason`.

    said: the tool's messages. None if they name no probe, or one that the kernel has: then
    something else kept the tool from attaching.
    """
    probe = missing_probe(said)
    if probe is None:
        return None
    known = await _resembling(shell, probe)
    if known is None or probe.name in known:
        return None
    release = (await shell.run(("uname", "-r"))).stdout.strip()
    what = f"tracepoint {probe.name}" if probe.is_tracepoint else f"function {probe.name} to trace"
    instead = nearest(probe.name, known)
    return f"Linux {release} has no {what}; it has {', '.join(instead) or 'none of a similar name'}"


async def _resembling(shell: Shell, probe: MissingProbe) -> list[str] | None:
    """Functions whose name holds the probe's, or its subsystem's events; None: not readable."""
    if not probe.is_tracepoint:
        found = await shell.run(("grep", "-F", "-e", probe.name, _FUNCTIONS), check=False)
        if found.status > 1:
            return None
        return [line.split()[0] for line in found.stdout.splitlines() if line.strip()]
    subsystem = probe.name.partition(":")[0]
    events = await shell.run(("ls", f"{_TRACING}/events/{subsystem}"), check=False)
    if events.status != 0:
        return (
            [] if (await shell.run(("ls", f"{_TRACING}/events"), check=False)).status == 0 else None
        )
    names = (name for name in events.stdout.split() if name not in ("enable", "filter"))
    return [f"{subsystem}:{name}" for name in names]


def nearest(name: str, known: list[str]) -> list[str]:
    """Those made of the name (name_reason, __name) first, then others that hold it, shortest first;
    else those that resemble it."""

    def order(one: str) -> tuple[bool, int, str]:
        return not (one.startswith(f"{name}_") or one == f"__{name}"), len(one), one

    holding = sorted({one for one in known if name in one}, key=order)
    return (holding or get_close_matches(name, known))[:_NAMED]
