"""Where a session's cases run: the reserved hosts of one environment, and where results go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..model.clock_kind import Clock
from ..model.environment import Environment, Layer, Pair
from ..model.plan import Plan
from ..storage import rawtree
from ..storage.run_folder import RunFolder
from .load import Ports
from .shell import Shell
from .steps import Steps


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that running a case needs. A session replaces it only to change the plan."""

    environment: Environment
    plan: Plan
    run: str
    folder: RunFolder
    shells: Mapping[str, Shell]  # by node name
    steps: Steps
    epoch: str  # fingerprint of kernels and NIC settings
    load_before: float | None  # highest 1-minute load of the hosts before anything was started
    max_load: float | None
    keep_on_hosts: bool = False
    ports: Ports = field(default_factory=Ports)
    unattachable: dict[str, str] = field(default_factory=dict)
    """`attach.case_key` -> why the case cannot attach to its kernel, found in this session."""
    capacities: dict[Layer, float] = field(default_factory=dict)
    """Packets/s that each layer holds without a tool; known before a load workload is measured."""

    @property
    def in_silence(self) -> bool:
        """Whether nothing may be sent to the hosts in a window: it would be in the figures."""
        return self.environment.clock is Clock.INSTRUCTIONS

    @property
    def monitor_interval_s(self) -> float:
        """The plan's; where readings would be in the figures, two in the longest window."""
        planned = self.plan.design.monitor_interval_s
        if not self.in_silence:
            return planned
        longest_s = max(workload.window_s for workload in self.plan.workloads)
        return max(planned, float(longest_s // 2))

    def pair(self, layer: Layer) -> Pair:
        return self.environment.pairs[layer]

    def sides(self, layer: Layer) -> dict[str, Shell]:
        """server, client, tool_host -> its shell."""
        pair = self.pair(layer)
        return {
            "server": self.shells[pair.server.name],
            "client": self.shells[pair.client.name],
            "tool_host": self.shells[pair.tool_host.name],
        }

    def tree(self, iteration: int, node: str) -> Path:
        return self.folder.tree(iteration, node)


def remote_tree(shell: Shell) -> str:
    """The results tree on a host."""
    return f"{shell.node.workdir.rstrip('/')}/{rawtree.TREE}"
