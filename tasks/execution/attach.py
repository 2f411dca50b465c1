"""Why a tool cannot attach: what its host's kernel lacks, and what it has instead.

Asked before anything is measured, for the attach points that are known; else read from what the
tool said when it failed.
"""

from collections.abc import Mapping

from ..model.environment import Environment
from ..model.plan import Case, Plan
from ..programs.attach_errors import MissingProbe, missing_probe
from ..programs.attach_points import (
    LIST_SCRIPT,
    lacks_sentence,
    nearest,
    parse_symbols,
    symbols_of,
)
from .shell import Shell

_TRACING = "/sys/kernel/tracing"
_FUNCTIONS = f"{_TRACING}/available_filter_functions"


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
    symbol = f"{'tracepoint' if probe.is_tracepoint else 'function'}:{probe.name}"
    return lacks_sentence(release, symbol, nearest(probe.name, known))


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


def case_key(case: Case) -> str:
    """Names a case within an environment."""
    return f"{case.name} {case.layer}"


async def unattachable(
    environment: Environment, plan: Plan, hosts: Mapping[str, Shell]
) -> dict[str, str]:
    """`case_key` -> why the case's tool cannot attach to the kernel of its host as it is now.

    Cases whose attach points are not known, or of which the kernel says nothing, are not in it.
    """
    found = {}
    scheduled = {(slot.layer, slot.case_id) for slot in plan.slots}
    for name, host in hosts.items():
        cases = [
            case
            for case in plan.cases
            if (case.layer, case.id) in scheduled
            and environment.pairs[case.layer].tool_host.name == name
        ]
        if asked := symbols_of(point for case in cases for point in case.attaches):
            argv = ("sh", "-c", LIST_SCRIPT, "symbols", *asked)
            symbols = parse_symbols((await host.run(argv, check=False)).stdout, asked)
            for case in cases:
                if why := symbols.why_not(case.attaches):
                    found[case_key(case)] = f"{case.name}: on {name} {why}"
    return found
