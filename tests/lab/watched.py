"""A tool of the catalogue on a lab's server, watched while known traffic passes."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.lab import lifecycle
from tasks.lab.minimal_input import MACHINE_CATALOG, TOOLS
from tasks.lab.state import LabState
from tasks.model.catalog import Tool, read_catalog

from .conftest import Shell, host_of

N = 20
SINK = 5999  # a port where datagrams are taken and never answered
CLOSED = 9

_START = """
before=$(bpftool prog show | grep -c '^[0-9]')
cd /tmp && echo {program} | base64 -d > {tool}.bt
{environment} setsid bpftrace {tool}.bt {arguments} > {tool}.out 2>&1 < /dev/null &
for _ in $(seq 150); do
    [ $(bpftool prog show | grep -c '^[0-9]') -ge $((before + {programs})) ] && exec echo $!
    kill -0 $! || break
    sleep 0.2
done
cat {tool}.out >&2; exit 1
"""
_STOP = """
sleep 0.5; kill -INT {pid}
while kill -0 {pid} 2> /dev/null; do sleep 0.1; done
cat /tmp/{tool}.out; rm /tmp/{tool}.*
"""
_SEND = """python3 -c '
import socket, time
for _ in range({count}):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(bytes({size}), ("{address}", {port}))
    time.sleep(0.02)
'"""
_TAKE = """setsid python3 -c '
import socket, time
taker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taker.bind(("{address}", {port}))
time.sleep(3600)
' > /dev/null 2>&1 < /dev/null & echo $!"""


@dataclass
class Watched:
    """What the tool has told; complete once it was stopped."""

    output: str = ""


@dataclass(frozen=True)
class Bench:
    """A lab, and what the controls do on its nodes."""

    lab: LabState
    shell: Shell

    def on(self, node: str, command: str) -> str:
        return self.shell(self.lab, node, command)

    def address(self, node: str) -> str:
        return host_of(self.lab, node).test_ip

    def send(self, count: int = N, size: int = 32, port: int = SINK) -> None:
        """Datagrams from host-client to host-server, each from a port of its own."""
        server = self.address("host-server")
        self.on("host-client", _SEND.format(count=count, size=size, address=server, port=port))

    @contextmanager
    def sink(self) -> Iterator[None]:
        """A socket on host-server. With it, traffic goes one way: both hosts' interfaces have the
        same name, so a tool sees packets of either.
        """
        take = _TAKE.format(address=self.address("host-server"), port=SINK)
        pid = self.on("host-server", take).strip()
        try:
            yield
        finally:
            self.on("host-server", f"kill {pid}")

    @contextmanager
    def watch(self, name: str, arguments: str = "") -> Iterator[Watched]:
        """The tool runs on host-server within the block. AssertionError if it does not attach."""
        path, tool = _tool(name)
        start = _START.format(
            program=base64.b64encode(path.read_bytes()).decode(),
            environment=" ".join(f"{key}={value}" for key, value in tool.env.items()),
            tool=name, arguments=arguments, programs=tool.readiness.programs,
        )  # fmt: skip
        pid = self.on("host-server", start).strip()
        watched = Watched()
        try:
            yield watched
        finally:
            watched.output = self.on("host-server", _STOP.format(pid=pid, tool=name))


def booted(kernel: str, layers: tuple[str, ...], shell: Shell, root: Path) -> Iterator[Bench]:
    """A lab with Open vSwitch in a machine of its own."""
    name = f"tools-{kernel.replace('.', '-')}"
    lab = lifecycle.up(name, layers, "ovs", kernel=kernel, state_root=root)
    try:
        yield Bench(lab, shell)
    finally:
        lifecycle.down(name, state_root=root)


def _tool(name: str) -> tuple[Path, Tool]:
    for category, content in read_catalog(MACHINE_CATALOG).categories.items():
        for tool in content.tools:
            if tool.script == f"{name}.bt":
                return TOOLS / category / tool.script, tool
    raise KeyError(name)
