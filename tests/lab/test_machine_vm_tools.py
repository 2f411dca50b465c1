"""Positive controls of the VM layer's tools for a lab in a machine: N echoes of a guest.

Where packets of others cannot be kept out (ARP), a few more are allowed, never fewer.
"""

from collections.abc import Iterator

import pytest

from tasks.lab.booted import KERNELS

from .bpftrace_output import Told, counted, lines
from .conftest import Shell
from .watched import Bench, N, booted

pytestmark = [pytest.mark.lab, pytest.mark.slow]

TAP = "vnet0"  # of vm-server
SPARE = 5


@pytest.fixture(scope="module", params=KERNELS)
def bench(
    request: pytest.FixtureRequest, shell: Shell, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    yield from booted(request.param, ("host", "vm"), shell, tmp_path_factory.mktemp("labs"))


def ping_the_guest(bench: Bench) -> None:
    """From the other host, because a guest has no ping. Without the first echo, Open vSwitch would
    have no flow for the next ones, and would send them on as copies.
    """
    echo = f"ping -q -i 0.2 {bench.address('vm-server')}"
    bench.on("host-client", f"{echo} -c 1 && {echo} -c {N}")


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("forward_latency", TAP, counted("@us")),
        ("forward_slow", f"{TAP} 0", lines(r"\d+ us len")),
        ("tun_ring_latency", TAP, counted("@us")),
        ("tun_ring_slow", f"{TAP} 0", lines(r"\d+ us len")),
        ("tun_ring_packets", TAP, lines(r"enters len")),
        ("tun_ring_packets", TAP, lines(r"copied \d+ ns by vhost-")),
    ],
)
def test_echoes_that_cross_the_tap_of_a_guest(
    bench: Bench, tool: str, arguments: str, told: Told
) -> None:
    with bench.watch(tool, arguments) as watched:
        ping_the_guest(bench)
    assert N <= told(watched.output) <= N + SPARE, watched.output


def crossed_taps(bench: Bench) -> int:
    """Packets through all taps, by the kernel's own counters."""
    count = "cat /sys/class/net/vnet*/statistics/[rt]x_packets"
    hosts = ("host-server", "host-client")
    return sum(int(number) for host in hosts for number in bench.on(host, count).split())


@pytest.mark.parametrize(
    ("tool", "told", "at_least"),
    [
        ("vhost_batches", counted("@buffers"), 2 * N),  # a request and its reply
        ("vhost_signals", counted("@signals"), N),
        ("vhost_signals", counted("@interrupts"), N),
        ("vhost_buffers", lines(r"^\d+ vhost-\d+ queue .* ns$"), N),
        ("irqfd_latency", counted("@ns"), N),
        ("irqfd_latency", counted("@interrupts", "vhost-"), N),
        ("irqfd_interrupts", lines(r"vhost-\d+ \d+ irqfd"), N),
    ],
)
def test_no_more_buffers_and_interrupts_than_packets(
    bench: Bench, tool: str, told: Told, at_least: int
) -> None:
    before = crossed_taps(bench)
    with bench.watch(tool) as watched:
        ping_the_guest(bench)
    assert at_least <= told(watched.output) <= crossed_taps(bench) - before, watched.output
