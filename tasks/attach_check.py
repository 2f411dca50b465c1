"""The task `attach check`: which tools of a plan attach to the kernels of their hosts."""

from dataclasses import dataclass
from pathlib import Path

from .model.full import environment_of, find_config, read_full
from .model.plan import CaseKind, Plan
from .planning.attaching import symbols_in


@dataclass(frozen=True, slots=True)
class Attaching:
    """Which tools of a plan attach to the kernel of their host, as discovery found it.

    tools: tool -> "attaches", why it cannot, or that it is not known. lacking: those that cannot.
    """

    environment: str
    kernel: str
    tools: dict[str, str]
    lacking: frozenset[str]


def attaching_of(config_dir: Path, plan: Plan) -> Attaching:
    """Whether the plan's tools attach, by the facts in `config_dir`. Touches no host."""
    full = read_full(find_config(config_dir)[0])
    pairs = environment_of(full).pairs
    hosts = {layer: full.facts[pair.tool_host.name] for layer, pair in pairs.items()
             if pair.tool_host.name in full.facts}  # fmt: skip
    tools, lacking = {}, set()
    for case in plan.cases:
        if case.kind is not CaseKind.TOOL or case.layer not in hosts:
            continue
        if case.cannot_attach:
            lacking.add(case.tool)
        known = case.attaches and symbols_in(hosts[case.layer]).known(case.attaches)
        said = "attaches" if known else "not known until it starts"
        tools[case.tool] = (case.cannot_attach and case.skipped) or said
    kernels = dict.fromkeys(facts.kernel or "?" for facts in hosts.values())
    return Attaching(full.environment, ", ".join(kernels), tools, frozenset(lacking))
