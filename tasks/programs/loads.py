"""The load programs by name: how each is found on a host, and its servers and clients started."""

from collections.abc import Callable
from dataclasses import dataclass

from ..model.plan import Workload
from . import iperf3, netperf, sockperf

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoadProgram:
    """One load program: argument lists, and the ending of the files that its clients write."""

    kinds: tuple[str, ...]  # of workloads that it can be
    versions: tuple[str, ...]  # for each of its executables the command that prints the version
    suffix: str
    server: Callable[[int, str], Argv]  # port, address to listen on
    client: Callable[[Workload, str, int, int], Argv]  # …, server's address, port, processes
    warm_up: Callable[[Workload, str, int], Argv] | None
    """…, server's address, port: a run before the window whose output is ignored. None: the client
    omits the warm-up from its own output."""
    transport: str = "tcp"  # on which its server can be seen to listen
    output_option: str | None = None  # names the file for its result; None: standard output


LOADS = {
    "iperf3": LoadProgram(
        kinds=("throughput", "pps", "load"),
        versions=("iperf3 --version",),
        suffix="json",
        server=iperf3.server_argv,
        client=lambda workload, server_ip, port, processes: iperf3.client_argv(
            workload, server_ip, port, streams_share=processes
        ),
        warm_up=None,
    ),
    "netperf": LoadProgram(
        kinds=("latency",),
        versions=("netperf -V", "netserver -V"),
        suffix="txt",
        server=netperf.server_argv,
        client=lambda workload, server_ip, port, _: netperf.client_argv(
            workload, server_ip, port, duration_s=workload.window_s
        ),
        warm_up=lambda workload, server_ip, port: netperf.client_argv(
            workload, server_ip, port, duration_s=workload.warmup_s
        ),
    ),
    "sockperf": LoadProgram(
        kinds=("tail", "start"),
        versions=("sockperf --version",),
        suffix="log",
        server=sockperf.server_argv,
        client=lambda workload, server_ip, port, _: sockperf.client_argv(workload, server_ip, port),
        warm_up=None,
        transport="udp",
        output_option=sockperf.OUTPUT_OPTION,
    ),
}

USUAL = {kind: name for name, load in reversed(LOADS.items()) for kind in load.kinds}
"""The program of a workload that names none: of its kind the first one."""

NEEDED = ("iperf3", "netperf")
"""What all hosts need; other programs are needed by the workloads that use them."""


def client_file(workload: Workload, port: int) -> str:
    """The name of one load client's output."""
    return f"{workload.program}_client_{port}.{LOADS[workload.program].suffix}"
