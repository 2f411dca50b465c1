"""An environment: its nodes, the pairs that carry traffic, and the facts found on each node."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from .clock_kind import INSTRUCTIONS_PACE, Clock

if TYPE_CHECKING:
    from .facts import Facts


class Layer(StrEnum):
    """Where the measured traffic runs. Tools always run on the server side's physical host."""

    HOST = "host"
    VM = "vm"


@dataclass(frozen=True, slots=True)
class Node:
    """One machine that we reach over SSH."""

    name: str
    role: Layer
    host: str
    user: str
    workdir: str
    port: int = 22
    host_ref: str | None = None  # the physical host of a VM
    uuid: str | None = None  # of a VM
    test_ip: str | None = None

    @property
    def address(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Pair:
    """The two nodes of one layer between which the load runs, and the host on which tools run."""

    layer: Layer
    server: Node
    client: Node
    tool_host: Node
    server_ip: str
    client_ip: str
    server_interface: str  # carries the test traffic; its counters are read
    client_interface: str
    placeholders: Mapping[str, str | tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Server, client and tool host, each node once."""
        return tuple(dict.fromkeys((self.server, self.client, self.tool_host)))


@dataclass(frozen=True, slots=True)
class SshSettings:
    """How nodes are reached. Host key checking cannot be switched off."""

    known_hosts: Path | None = None  # None: the user's own known_hosts
    identity: Path | None = None  # None: the agent and the user's default keys
    config: Path | None = None  # None: the user's ssh_config
    connect_timeout_s: float = 10.0
    keepalive_interval_s: float = 3.0  # 0: none
    keepalive_count_max: int = 3
    pace: float = 1.0  # seconds of ours that a second of the hosts lasts at most

    def on(self, clock: Clock) -> "SshSettings":
        """The settings for hosts on that clock.

        A host that counts instructions is slow, and keepalives would be in its figures: there the
        connection's end tells that it is gone.
        """
        if clock is Clock.WALL:
            return self
        return replace(self, keepalive_interval_s=0.0, pace=INSTRUCTIONS_PACE)


@dataclass(frozen=True, slots=True)
class Environment:
    """All that planning and execution need to know about one environment."""

    name: str
    nodes: Mapping[str, Node]
    pairs: Mapping[Layer, Pair]
    facts: Mapping[str, "Facts"]  # by node name
    ssh: SshSettings = field(default_factory=SshSettings)
    clock: Clock = Clock.WALL  # of all its hosts; effects of different clocks are never compared
    hardware: str | None = None  # environments with the same value are never measured together
    tools_dir: Path | None = None  # the tools on this machine; None: they are on the hosts already
    remote_tools_dir: str = "measurement-tools"  # below a node's workdir
    use_sudo: bool = True
