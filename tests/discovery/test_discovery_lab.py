"""Discovery over SSH on the local lab's real hosts."""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import pytest

from tasks.discovery.discover import discover
from tasks.discovery.full_yaml import to_full, write_full
from tasks.lab import lifecycle, requirements
from tasks.model.catalog import read_catalog
from tasks.model.environment import Layer, Node
from tasks.model.errors import InputError
from tasks.model.full import environment_of, read_full
from tasks.model.inputs import read_minimal_input
from tasks.model.probe import ProbeAnswer
from tasks.planning.cases import expand
from tasks.remote.connection import Connection

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", params=["bridge", "ovs"])
def hosts(request, tmp_path_factory):
    if missing := requirements.missing(("host",), request.param):
        pytest.skip("; ".join(missing))
    name = f"disc{os.getpid() % 1000}"
    root = tmp_path_factory.mktemp("lab")
    try:
        yield lifecycle.up(name, switch=request.param, state_root=root)
    finally:
        lifecycle.down(name, state_root=root)


@pytest.fixture
async def asking() -> AsyncIterator[Callable[..., Awaitable[ProbeAnswer]]]:
    """Asks the hosts themselves, over one connection a node."""
    async with AsyncExitStack() as stack:
        connections: dict[str, Connection] = {}

        def of(minimal) -> Callable[[Node, Sequence[str]], Awaitable[ProbeAnswer]]:
            async def ask(node: Node, argv: Sequence[str]) -> ProbeAnswer:
                if node.name not in connections:
                    opened = Connection(node, minimal.ssh.settings())
                    connections[node.name] = await stack.enter_async_context(opened)
                sent_at = time.time()
                done = await connections[node.name].run(argv, check=False)
                return ProbeAnswer(done.status, done.stdout, done.stderr, sent_at, time.time())

            return ask

        yield of


async def test_real_hosts_are_discovered_and_give_runnable_cases(hosts, asking, tmp_path):
    minimal = read_minimal_input(hosts.minimal_input)
    facts = await discover(minimal, asking(minimal))
    for host in hosts.hosts:
        found = facts[host.name]
        assert found.hostname == host.name
        assert found.test_ip == str(host.test_ip)
        assert found.bpf.btf and found.bpf.tracepoints
        assert abs(found.clock_offset_s) <= found.clock_offset_error_s  # one clock for all
        assert {"iperf3", "netperf", "pidstat"} <= found.programs.keys()
    server = facts["host-server"]
    if hosts.switch == "ovs":
        assert server.internal_port == server.interface
        assert len(server.physical_members) == 2
    else:
        assert server.nics[0].kind == "bridge"
        assert server.physical != server.interface
    catalog = read_catalog(minimal.tools.catalog)
    write_full(tmp_path / "l-full.yaml", to_full(minimal, facts, catalog))
    full = read_full(tmp_path / "l-full.yaml")
    pair = environment_of(full).pairs[Layer.HOST]
    cases = [case for case in expand(full, catalog) if case.layer == Layer.HOST]
    assert cases and not any(case.skipped for case in cases)
    assert not any("{" in case.command for case in cases)
    assert any(pair.server_interface in case.command for case in cases)


async def test_a_work_directory_that_is_not_there_is_reported(hosts, asking, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(hosts.minimal_input.read_text().replace("/srv/bench", "/srv/none"))
    minimal = read_minimal_input(path)
    with pytest.raises(InputError) as raised:
        await discover(minimal, asking(minimal))
    lines = str(raised.value).splitlines()
    assert len(lines) == 2
    assert "workdir: df: /srv/none: No such file or directory" in lines[0]
