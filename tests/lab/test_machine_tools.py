"""Positive controls of the tools for a lab in a machine: N known events, and the tool tells N.

Where packets of others cannot be kept out (ARP, LACP), a few more are allowed, never fewer.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tasks.lab.booted import KERNELS

from .bpftrace_output import Told, counted, lines, total, totals
from .conftest import Shell
from .watched import CLOSED, SINK, Bench, N, booted

pytestmark = [pytest.mark.lab, pytest.mark.slow]

INTERFACE = "port-storage"
SPARE = 5


@pytest.fixture(scope="module", params=KERNELS)
def bench(
    request: pytest.FixtureRequest, shell: Shell, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    yield from booted(request.param, ("host",), shell, tmp_path_factory.mktemp("labs"))


@contextmanager
def netem(bench: Bench, what: str) -> Iterator[None]:
    bench.on("host-client", f"tc qdisc replace dev {INTERFACE} root netem {what}")
    try:
        yield
    finally:
        bench.on("host-client", f"tc qdisc del dev {INTERFACE} root")


@contextmanager
def connection_tracking(bench: Bench) -> Iterator[None]:
    """On both hosts, because the openvswitch module of some kernels tracks on both by itself."""
    chain = "chain in { type filter hook input priority 0; ct state new counter; }"
    for host in ("host-server", "host-client"):
        bench.on(host, f"nft 'table ip control {{ {chain}; }}'")
    try:
        yield
    finally:
        for host in ("host-server", "host-client"):
            bench.on(host, "nft delete table ip control")


@pytest.mark.parametrize(
    ("tool", "arguments", "told", "events"),
    [
        ("receive_latency", INTERFACE, counted("@us"), N),
        ("receive_slow", f"{INTERFACE} 0", lines(r"udp_rcv \d+ us"), N),
        ("receive_slow", f"{INTERFACE} 10000000", lines("udp_rcv"), 0),
        ("receive_packets", INTERFACE, lines(r"udp_rcv .* ns$"), N),
    ],
)
def test_received_datagrams(
    bench: Bench, tool: str, arguments: str, told: Told, events: int
) -> None:
    with bench.sink(), bench.watch(tool, arguments) as watched:
        bench.send()
    assert told(watched.output) == events, watched.output


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("drop_locations", "", counted("@drops", "udp")),
        ("drop_protocol", "17", lines("dropped in .*udp")),
        ("drop_stacks", "", lines(r"^\d+ ethertype 800 len")),
    ],
)
def test_datagrams_to_a_closed_port_are_drops(
    bench: Bench, tool: str, arguments: str, told: Told
) -> None:
    with bench.watch(tool, arguments) as watched:
        bench.send(port=CLOSED)
    assert N <= told(watched.output) <= N + SPARE, watched.output


def test_only_drops_of_the_protocol_are_lines(bench: Bench) -> None:
    with bench.watch("drop_protocol", "6") as watched:
        bench.send(port=CLOSED)
    assert "dropped in" not in watched.output


@pytest.mark.parametrize(
    ("tool", "arguments", "told", "events"),
    [
        ("qdisc_wait", INTERFACE, counted("@us"), N),
        ("qdisc_slow", f"{INTERFACE} 10000", lines(r"\d+ us len"), N),
        ("qdisc_slow", f"{INTERFACE} 10000000", lines(r"\d+ us len"), 0),
    ],
)
def test_a_qdisc_that_delays(
    bench: Bench, tool: str, arguments: str, told: Told, events: int
) -> None:
    with netem(bench, "delay 20ms"), bench.sink(), bench.watch(tool, arguments) as watched:
        bench.send()
    assert events <= told(watched.output) <= events + (SPARE if events else 0), watched.output


def test_a_qdisc_that_drops(bench: Bench) -> None:
    with netem(bench, "loss 100%"), bench.watch("qdisc_wait", INTERFACE) as watched:
        bench.send()
    assert N <= total(watched.output, "@dropped") <= N + SPARE


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        ("conntrack_latency", counted("@ns")),
        ("conntrack_connections", lines("new connection .* protocol 17")),
        ("conntrack_packets", lines("protocol 17")),
    ],
)
def test_each_datagram_is_a_connection_on_either_host(bench: Bench, tool: str, told: Told) -> None:
    with connection_tracking(bench), bench.sink(), bench.watch(tool) as watched:
        bench.send()
    assert told(watched.output) == 2 * N, watched.output


def test_a_datagram_of_three_fragments(bench: Bench) -> None:
    with bench.sink(), bench.watch("defrag_results") as watched:
        bench.send(size=4000)
    assert total(watched.output, "@complete") == total(watched.output, "@complete_us") == N
    assert total(watched.output, "@waiting") == 2 * N
    assert total(watched.output, "@refused") == 0


def missed(bench: Bench) -> int:
    """Packets without a flow by the datapaths' own counters."""
    hosts = ("host-server", "host-client")
    shown = [bench.on(host, "ovs-appctl dpctl/show") for host in hosts]
    return sum(int(re.findall(r"missed:(\d+)", text)[0]) for text in shown)


def test_packets_without_a_flow_are_upcalls_and_come_back(bench: Bench) -> None:
    with bench.sink(), bench.watch("ovs_upcall_latency") as watched:
        before = missed(bench)
        for _ in range(5):
            bench.on("host-client", "ovs-appctl dpctl/del-flows")
            bench.send(1)
        expected = missed(bench) - before
    told = totals(watched.output)["@upcalls"]["[1]"]
    assert 5 <= expected <= told <= expected + SPARE
    assert total(watched.output, "@us") >= 5


def test_flows_that_user_space_installs(bench: Bench) -> None:
    match = "in_port(1),eth(src=02:00:00:00:01:$(printf %02x $i)),eth_type(0x88b5)"
    with bench.watch("ovs_flows") as watched:
        add = f'for i in $(seq {N}); do ovs-appctl dpctl/add-flow "{match}" 1; done'
        bench.on("host-client", add)
    assert N <= lines("new flow")(watched.output) <= N + SPARE, watched.output


def test_packets_of_a_flow_without_actions(bench: Bench) -> None:
    match = f"udp,tp_dst={SINK}"
    bench.on("host-server", f"ovs-ofctl add-flow ovsbr-storage {match},priority=9,actions=drop")
    try:
        with bench.watch("ovs_drops") as watched:
            bench.send(N + 1)  # the first makes the flow
    finally:
        bench.on("host-server", f"ovs-ofctl del-flows ovsbr-storage {match}")
    assert N <= total(watched.output, "@drops", "flow without actions") <= N + SPARE
