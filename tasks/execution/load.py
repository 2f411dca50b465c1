"""The load between two nodes: one-shot servers, each on a new port, then the clients."""

import asyncio
import contextlib
from dataclasses import dataclass, replace
from itertools import islice

from ..model.environment import Environment, Pair
from ..model.errors import CommandFailed, RemoteError
from ..model.plan import Workload
from ..programs import proc
from ..programs.loads import LOADS, client_file
from .host_time import host_time_s
from .shell import Running, Shell

_PORTS = range(20000, 30000)
_LISTEN_S = 5.0
_POLL_S = 0.02
_WAIT = (  # UPTIME PROGRAM...
    'sleep "$(awk -v at="$1" "{ s = at - \\$1; print (s > 0 ? s : 0) }" /proc/uptime)"; '
    'shift; exec "$@"'
)
SLACK_S = 15.0  # a load that takes this much longer than requested is ended


@dataclass
class Ports:
    """Allocates server ports, new ones each time, so that no cell reaches another cell's server."""

    next: int = _PORTS.start

    def take(self, count: int) -> tuple[int, ...]:
        if self.next + count > _PORTS.stop:
            self.next = _PORTS.start
        first, self.next = self.next, self.next + count
        return tuple(range(first, first + count))


def with_ports(
    workload: Workload, ports: tuple[int, ...]
) -> list[tuple[Workload, tuple[int, ...]]]:
    """The loads of a cell, each with its own ports, of which `ports` holds one a stream."""
    left = iter(ports)
    return [(one, tuple(islice(left, one.streams))) for one in workload.loads]


def deadline_s(workload: Workload) -> float:
    """Seconds after which a load's programs are ended in any case."""
    return 2 * workload.warmup_s + workload.window_s + SLACK_S


def pinned(workload: Workload, environment: Environment, pair: Pair) -> Workload:
    """The workload as this pair can run it: without pinning if a node has a single CPU."""
    cpus = [environment.facts[node.name].cpu.cpus for node in (pair.server, pair.client)]
    return replace(workload, affinity=None) if 1 in cpus else workload


async def start_servers(
    shell: Shell, pair: Pair, workload: Workload, ports: tuple[int, ...], folder: str
) -> list[Running]:
    """Starts one server per port; all listen when it returns. Raises CommandFailed if not."""
    servers = [
        await shell.start(
            LOADS[workload.program].server(port, pair.server_ip),
            deadline_s=deadline_s(workload),
            stdout=f"{folder}/{workload.program}_server_{workload.kind}_port_{port}.log",
            stderr=f"{folder}/{workload.program}_server_{workload.kind}_port_{port}.err",
        )
        for port in ports
    ]
    transport = LOADS[workload.program].transport
    tables = (f"/proc/net/{transport}", f"/proc/net/{transport}6")
    until = await host_time_s(shell) + _LISTEN_S
    while await host_time_s(shell) < until:
        answer = await shell.run(("cat", *tables), check=False)
        missing = set(ports) - proc.parse_listening(
            answer.stdout, f"{shell.node.name}: {tables[0]}"
        )
        if not missing:
            return servers
        await asyncio.sleep(_POLL_S)
    raise CommandFailed(
        shell.node.name,
        f"no {workload.program} server listens on port {sorted(missing)} after {_LISTEN_S:g} s",
    )


async def warm_up(shell: Shell, pair: Pair, workload: Workload, port: int, folder: str) -> None:
    """Runs the warm-up separately, for a program that cannot omit it from its output."""
    warm_up_argv = LOADS[workload.program].warm_up
    if warm_up_argv is not None and workload.warmup_s:
        run = await shell.start(
            warm_up_argv(workload, pair.server_ip, port),
            deadline_s=workload.warmup_s + SLACK_S,
            stdout=f"{folder}/warmup.txt",
        )
        await run.wait()


async def start_clients(
    shell: Shell,
    pair: Pair,
    workload: Workload,
    ports: tuple[int, ...],
    folder: str,
    at_s: float | None = None,
) -> list[Running]:
    """Starts one client per port; their output goes to `folder`.

    at_s: the host's uptime until which they wait before they begin.
    """
    program = LOADS[workload.program]
    wait = () if at_s is None else ("sh", "-c", _WAIT, "client", f"{at_s:.3f}")

    async def start(port: int) -> Running:
        argv = program.client(workload, pair.server_ip, port, len(ports))
        output = f"{folder}/{client_file(workload, port)}"
        if program.output_option is not None:
            argv, output = (*argv, program.output_option, output), f"{output}.out"
        return await shell.start(
            (*wait, *argv),
            deadline_s=deadline_s(workload),
            stdout=output,
            stderr=f"{folder}/{workload.program}_client_{port}.err",
        )

    return [await start(port) for port in ports]


async def finish(programs: list[Running], within_s: float) -> None:
    """Waits for the programs to end by themselves; those that do not are stopped.

    Raises TransportLost if it cannot be known whether one has ended.
    """
    ends = [asyncio.ensure_future(program.wait()) for program in programs]
    done, late = await asyncio.wait(ends, timeout=within_s)
    for waiting in late:
        waiting.cancel()
    await end(programs)
    errors = [error for ended in done if (error := ended.exception())]
    if errors:
        raise errors[0]


async def end(programs: list[Running]) -> None:
    """Stops the programs that still run; on a lost host the supervisor's lease ends them."""
    for program in programs:
        if program.running:
            with contextlib.suppress(RemoteError, TimeoutError):
                await program.stop(grace_s=1)
