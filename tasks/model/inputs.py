"""minimal-input.yaml: what only a person knows about an environment; discovery finds the rest."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from .catalog import catalog_path
from .clock_kind import Clock
from .documents import (
    Address,
    ExistingDirectory,
    ExistingFile,
    Mistake,
    Written,
    as_mapping,
    parsed_by,
    read_document,
)
from .environment import Layer, Node, SshSettings
from .fields import IDENTIFIER_FORM, Identifier

_TARGET = re.compile(
    r"(?P<user>[A-Za-z_][A-Za-z0-9._-]{0,31})"
    r"@(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9][A-Za-z0-9._-]{0,252}))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_WORKDIR = re.compile(r"/(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9._/-]+")


def _target(text: str) -> str:
    match = _TARGET.fullmatch(text)
    if not match or not 0 < int(match["port"] or 22) < 65536:
        raise ValueError(f"{text!r} is not an SSH target")
    return text


def _workdir(text: str) -> str:
    if not _WORKDIR.fullmatch(text):
        raise ValueError(f"{text!r} is not a work directory")
    return text.rstrip("/")


SshTarget = Annotated[str, AfterValidator(_target)]
Workdir = Annotated[str, AfterValidator(_workdir)]
Uuid = Annotated[str, parsed_by(UUID, "a uuid")]
Interpreter = Annotated[str, Field(pattern=r"^[A-Za-z0-9._/][A-Za-z0-9._/-]*$")]


def _catalog(text: str, info: ValidationInfo) -> Path:
    return catalog_path(text, Path((info.context or {}).get("folder", "")))


CatalogFile = Annotated[Path, BeforeValidator(_catalog)]
"""A catalogue's name or its file, as the file."""


def _known_version(version: str | float) -> str | float:
    if str(version) not in ("1.0", "1"):
        raise ValueError("is of another version of this file")
    return version


class NodeInput(Written):
    """One machine: how to reach it, where its results go, and, for a VM, which one it is."""

    ssh: SshTarget = Field(description="user@host or user@host:port, IPv6 in brackets")
    workdir: Workdir = Field(description="an absolute path of letters, digits, '.', '_', '-'")
    role: Layer = Field(description="host or vm")
    host_ref: Identifier | None = Field(default=None, description="the node that is the VM's host")
    uuid: Uuid | None = Field(default=None, description="the VM's uuid, as qemu has it")
    test_ip: Address | None = Field(default=None, description="an address of the test network")


class PairInput(Written):
    """Two nodes of one layer; the load runs between them."""

    server: Identifier = Field(description="a node's name")
    client: Identifier = Field(description="a node's name")


class SshInput(Written):
    """How nodes are reached, if that differs from the user's own SSH settings."""

    known_hosts: ExistingFile | None = Field(default=None, description="a known_hosts file")
    identity: ExistingFile | None = Field(default=None, description="a private key's file")
    config: ExistingFile | None = Field(default=None, description="an ssh_config file")
    connect_timeout_s: float = Field(default=10.0, gt=0, le=300, description="seconds, above 0")

    def settings(self) -> SshSettings:
        return SshSettings(self.known_hosts, self.identity, self.config, self.connect_timeout_s)


class ToolsInput(Written):
    """The tools under test: their catalogue, and the folder of their scripts on this machine."""

    catalog: CatalogFile | None = Field(
        default=None, description="bcc, bpftrace, libbpf-tools, or a file like config/tools.yaml"
    )
    directory: ExistingDirectory | None = Field(
        default=None, description="the folder of the scripts"
    )


class Hints(Written):
    """Helps discovery choose between several possible answers."""

    internal_port_type: Identifier | None = Field(
        default=None, description="the OVS port that carries test traffic: mgt, access or storage"
    )
    python_interpreter: Interpreter = Field(
        default="python3", description="a program's name or path"
    )


class MinimalInput(Written):
    """The whole minimal-input.yaml."""

    version: Annotated[str | float, AfterValidator(_known_version)] = Field(
        default="1.0", description='"1.0"'
    )
    environment: Identifier = Field(description=IDENTIFIER_FORM)
    hardware: Identifier | None = Field(
        default=None,
        description=f"{IDENTIFIER_FORM}, the same for environments that share machines",
    )
    clock: Clock = Field(
        default=Clock.WALL,
        description="wall; or instructions, for a machine whose time counts its instructions",
    )
    ssh: SshInput = SshInput()
    nodes: dict[Identifier, NodeInput] = Field(min_length=1, description="at least one node")
    test_pairs: dict[Layer, PairInput] = Field(min_length=1, description="host, vm or both")
    discovery_hints: Hints = Hints()
    tools: ToolsInput = ToolsInput()

    def node(self, name: str) -> Node:
        """The node as the other packages use it."""
        given = self.nodes[name]
        match = _TARGET.fullmatch(given.ssh)
        assert match is not None  # validated
        return Node(
            name=name,
            host=match["v6"] or match["host"],
            user=match["user"],
            port=int(match["port"] or 22),
            **given.model_dump(exclude={"ssh"}),
        )

    def peer(self, name: str) -> str | None:
        """The node at the other end of its pair."""
        for pair in self.test_pairs.values():
            if name in (pair.server, pair.client):
                return pair.client if name == pair.server else pair.server
        return None


def read_minimal_input(path: Path) -> MinimalInput:
    """The file, checked; paths in it are relative to its own folder.

    Raises InputErrors with every mistake: file, line, key, problem, what is expected.
    """
    return read_document(path, MinimalInput, cross_checks)


def cross_checks(data: Any) -> Iterator[Mistake]:
    """Contradictions between parts of a minimal input; the parts themselves may be invalid."""
    nodes, pairs = (as_mapping(as_mapping(data).get(key)) for key in ("nodes", "test_pairs"))
    nodes = {str(name): node for name, node in nodes.items() if as_mapping(node)}
    if not nodes:
        return
    existing = "one of " + ", ".join(nodes)
    for name, node in nodes.items():
        yield from _vm_checks(name, node, nodes)
    yield from _shared(nodes)
    for layer, pair in pairs.items():
        ends = as_mapping(pair)
        for end in ("server", "client"):
            place = ("test_pairs", str(layer), end)
            named = ends.get(end)
            if not isinstance(named, str):
                continue  # the model reports it
            if named not in nodes:
                yield Mistake(place, f"no node is named {named!r}", existing)
            elif _wrong_role(nodes[named].get("role"), layer):
                problem = f"{named} has the role {nodes[named]['role']}"
                yield Mistake(place, problem, f"a node of role {layer}")
        if ends.get("server") is not None and ends.get("server") == ends.get("client"):
            problem = f"{ends['server']} is both server and client"
            yield Mistake(("test_pairs", str(layer)), problem, "two nodes")


def _wrong_role(role: Any, layer: Any) -> bool:
    return role in list(Layer) and layer in list(Layer) and role != layer


def _vm_checks(name: str, node: dict[str, Any], nodes: dict[str, Any]) -> Iterator[Mistake]:
    place = ("nodes", name)
    if node.get("role") == Layer.HOST:
        for key in ("host_ref", "uuid"):
            if key in node:
                yield Mistake((*place, key), "is set on a host", "on VMs only")
    if node.get("role") != Layer.VM:
        return
    for key, what in (
        ("host_ref", "the name of the node that is its host"),
        ("uuid", "the VM's uuid"),
        ("test_ip", "its address in the test network"),
    ):
        if key not in node:
            yield Mistake((*place, key), "is missing on a VM", what)
    host = node.get("host_ref")
    hosts = [other for other, value in nodes.items() if value.get("role") == Layer.HOST]
    if isinstance(host, str) and host not in hosts:
        expected = "one of " + ", ".join(hosts) if hosts else "a node of role host"
        yield Mistake((*place, "host_ref"), f"no host is named {host!r}", expected)


def _shared(nodes: dict[str, Any]) -> Iterator[Mistake]:
    """Addresses and uuids that two nodes share."""
    for key, what in (("ssh", "an address"), ("test_ip", "a test address"), ("uuid", "a uuid")):
        claims = defaultdict(list)
        for name, node in nodes.items():
            if isinstance(value := node.get(key), str):
                claims[value.rpartition("@")[2].removesuffix(":22").lower()].append(name)
        for value, names in claims.items():
            for name in names[1:]:
                yield Mistake(
                    ("nodes", name, key), f"{value} is also {names[0]}'s", f"{what} of its own"
                )
