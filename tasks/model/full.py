"""The `<env>-full.yaml`: an environment with everything found on it, in the published structure.

Files of the published framework are accepted unchanged; only those of their keys that are used are
declared here. This project adds `hardware`, `clock`, `facts`, `ssh.known_hosts` …, `port`, `uuid`,
and a tool's traits.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo

from .catalog import (
    PLACEHOLDERS,
    CategoryName,
    Command,
    Matrix,
    Placebo,
    ScriptName,
    Traits,
    placeholders,
)
from .clock_kind import Clock
from .documents import Address, KeyPath, Mistake, Written, absolute, matching, read_document
from .environment import Environment, Layer, Node, Pair, SshSettings
from .errors import InputError
from .facts import Facts
from .fields import Identifier

_NAME = r"[^\s/{}'\"$`;&|<>()*?\\-][^\s/{}'\"$`;&|<>()*?\\]*"
InterfaceName = Annotated[str, matching(_NAME, "an interface's name")]
"""An interface, or a comma-joined list of them; no character that a shell would act on."""
Pid = Annotated[
    str,
    BeforeValidator(lambda v: str(v) if type(v) is int else v),
    matching("[0-9]+", "a process id"),
]
HostAddress = Annotated[str, matching(r"[A-Za-z0-9:][A-Za-z0-9._:-]*", "a host's address")]
UserName = Annotated[str, matching(r"[A-Za-z_][A-Za-z0-9._-]*", "a user's name")]
AbsolutePath = Annotated[str, matching(r"/[A-Za-z0-9._/-]+", "an absolute path")]
RelativePath = Annotated[str, matching(r"[A-Za-z0-9_][A-Za-z0-9._/-]*", "a relative path")]


def _if_present(path: Path, info: ValidationInfo) -> Path | None:
    found = absolute(path, info)
    return found if found.is_dir() else None


LocalDirectory = Annotated[Path, AfterValidator(_if_present)]
"""A directory of this machine; None where it does not exist here."""


class _Published(Written):
    """Part of a published file: keys that are not used here are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class SshHost(_Published):
    host: HostAddress
    user: UserName
    workdir: AbsolutePath
    port: int = Field(default=22, ge=1, le=65535, description="a port")


class Ssh(_Published):
    ssh_hosts: dict[Identifier, SshHost] = Field(description="nodes by name")
    known_hosts: Path | None = None
    identity: Path | None = None
    config: Path | None = None
    connect_timeout_s: float = 10.0

    def settings(self) -> SshSettings:
        return SshSettings(self.known_hosts, self.identity, self.config, self.connect_timeout_s)


class End(_Published):
    """The server or the client of a layer."""

    ssh_ref: Identifier = Field(description="a name in ssh.ssh_hosts")
    test_ip: Address = Field(description="an IP address")
    interface: InterfaceName = Field(description="the interface that carries the test traffic")
    vm_interface: InterfaceName | None = None
    physical_host_ref: Identifier | None = None
    uuid: str | None = None


class NetworkConfig(_Published):
    """Values for the placeholders of the tools' commands; None: not found."""

    server_ip: Address
    client_ip: Address
    internal_interface: InterfaceName | None = None
    server_physical_interface: InterfaceName | None = None
    server_physical_nic_members: list[InterfaceName] = Field(default=[])
    server_vm_interface: InterfaceName | None = None

    @property
    def phy_interface(self) -> str | None:
        """The server's physical NIC, or all members of its bond joined by commas."""
        return ",".join(self.server_physical_nic_members) or self.server_physical_interface


class KvmEnd(_Published):
    qemu_pid: Pid | None = None
    vhost_pids: list[Pid] = Field(default=[])


class KvmConfig(_Published):
    server: KvmEnd = KvmEnd()


class LayerConfig(_Published):
    server: End
    client: End
    network_config: NetworkConfig
    kvm_config: KvmConfig = KvmConfig()


class Paths(_Published):
    tools_dir: RelativePath = "measurement-tools"  # below a node's work directory
    measurement_tools_dir: LocalDirectory | None = None  # None: the tools are on the hosts already


class Defaults(_Published):
    duration: int | float = 10
    use_sudo: bool = True


class FullTool(Traits):
    """One tool: its command's template and parameters; unknown keys are values of placeholders."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    script: ScriptName
    template: Command
    parameters: Matrix = Field(default={})
    path: RelativePath | None = None  # below tools_dir, where it is not <category>/<script>

    @property
    def values(self) -> dict[str, str]:
        return {name: str(value) for name, value in (self.model_extra or {}).items()}


class FullCategory(_Published):
    environment: Layer
    directions: dict[str, dict[str, str]] = Field(default={})
    tools: list[FullTool]


class Tools(_Published):
    categories: dict[CategoryName, FullCategory]
    placebo: Placebo | None = None


class FullConfig(_Published):
    """The whole of a full.yaml."""

    environment: Identifier = Field(description="the environment's name")
    hardware: Identifier | None = None
    clock: Clock = Clock.WALL
    ssh: Ssh
    environments: dict[Layer, LayerConfig] = Field(min_length=1, description="host, vm or both")
    paths: Paths = Paths()
    defaults: Defaults = Defaults()
    tools: Tools
    facts: dict[Identifier, Facts] = Field(default={})


def cross_checks(data: Any) -> Iterator[Mistake]:
    """References to nodes that do not exist, and unknown placeholders."""
    with suppress(KeyError, TypeError, AttributeError):  # the model reports parts that are broken
        yield from _unknown_nodes(data["ssh"]["ssh_hosts"], data["environments"])
    with suppress(KeyError, TypeError, AttributeError):
        for name, category in data["tools"]["categories"].items():
            for index, tool in enumerate(category["tools"]):
                place = ("tools", "categories", name, "tools", index, "template")
                yield from _unknown_placeholders(place, category, tool)


def _unknown_nodes(hosts: dict[str, Any], layers: dict[str, Any]) -> Iterator[Mistake]:
    for layer, config in layers.items():
        for end in ("server", "client"):
            for key in ("ssh_ref", "physical_host_ref"):
                name = config[end].get(key)
                if name is not None and name not in hosts:
                    place = ("environments", layer, end, key)
                    yield Mistake(place, f"no node is named {name!r}", f"one of {', '.join(hosts)}")


def _unknown_placeholders(
    place: KeyPath, category: dict[str, Any], tool: dict[str, Any]
) -> Iterator[Mistake]:
    by_direction = [name for names in category.get("directions", {}).values() for name in names]
    known = {*PLACEHOLDERS, *tool, *tool.get("parameters", {}), *by_direction}
    for name in placeholders(tool["template"]):
        if name not in known:
            yield Mistake(
                place, f"unknown placeholder {{{name}}}", f"one of {', '.join(PLACEHOLDERS)}"
            )


def find_config(directory: Path) -> tuple[Path, Path | None]:
    """The full.yaml and, where it exists, the cases.json of a configuration directory.

    Raises InputError.
    """
    full, cases = (sorted(directory.glob(f"*{name}")) for name in ("full.yaml", "cases.json"))
    for pattern, found in (("*-full.yaml", full), ("*-cases.json", cases)):
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise InputError(str(directory), "", f"holds several {pattern}: {names}", "one")
    if not full:
        problem = "holds no *-full.yaml" if directory.is_dir() else "no such directory"
        raise InputError(str(directory), "", problem, "what bootstrap wrote")
    return full[0], cases[0] if cases else None


def read_full(path: Path, folder: Path | None = None) -> FullConfig:
    """The file, checked; also one that the published framework wrote. Raises InputErrors.

    folder: base of relative paths in it; by default the file's own folder.
    """
    return read_document(path, FullConfig, cross_checks, folder)


def environment_of(full: FullConfig) -> Environment:
    """The environment as planning and execution see it."""
    ends = {
        end.ssh_ref: (layer, end)
        for layer, config in full.environments.items()
        for end in (config.server, config.client)
    }
    nodes = {
        name: _node(name, host, *ends.get(name, (Layer.HOST, None)))
        for name, host in full.ssh.ssh_hosts.items()
    }
    pairs = {layer: _pair(layer, config, nodes) for layer, config in full.environments.items()}
    return Environment(
        name=full.environment,
        nodes=MappingProxyType(nodes),
        pairs=MappingProxyType(pairs),
        facts=MappingProxyType({name: full.facts.get(name, Facts(node=name)) for name in nodes}),
        ssh=full.ssh.settings().on(full.clock),
        clock=full.clock,
        hardware=full.hardware,
        tools_dir=full.paths.measurement_tools_dir,
        remote_tools_dir=full.paths.tools_dir,
        use_sudo=full.defaults.use_sudo,
    )


def _node(name: str, target: SshHost, layer: Layer, end: End | None) -> Node:
    node = Node(name, layer, target.host, target.user, target.workdir, target.port)
    if end is None:  # a host that carries VMs only
        return node
    return replace(node, host_ref=end.physical_host_ref, uuid=end.uuid, test_ip=end.test_ip)


def _pair(layer: Layer, config: LayerConfig, nodes: Mapping[str, Node]) -> Pair:
    server, client, net = config.server, config.client, config.network_config
    found: dict[str, str | tuple[str, ...] | None] = {
        "SERVER_IP": net.server_ip,
        "CLIENT_IP": net.client_ip,
        "SERVER_INTERFACE": server.interface,
        "CLIENT_INTERFACE": client.interface,
        "INTERNAL_INTERFACE": net.internal_interface,
        "PHY_INTERFACE": net.phy_interface,
        "VM_INTERFACE": net.server_vm_interface or server.vm_interface,
        "QEMU_PID": config.kvm_config.server.qemu_pid,
        "vhost_pids": tuple(config.kvm_config.server.vhost_pids),
    }
    return Pair(
        layer,
        nodes[server.ssh_ref],
        nodes[client.ssh_ref],
        nodes[server.physical_host_ref or server.ssh_ref],
        net.server_ip,
        net.client_ip,
        server.interface,
        client.interface,
        MappingProxyType({name: value for name, value in found.items() if value}),
    )
