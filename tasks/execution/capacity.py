"""The packet rate that the hosts hold without a tool: the rates of a load curve are shares of it.

A search in the manner of MLRsearch (draft-ietf-bmwg-mlrsearch): trials at one rate each, for the
highest rate at which no more than the goal is lost. It takes seconds, so it is no measurement of
the hosts; it only makes both arms of each comparison send the same packets per second.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ..model.environment import Layer
from ..model.errors import CommandFailed, ParseError
from ..model.plan import HELD_LOSS_PCT, Workload
from ..programs import iperf3
from ..programs.loads import client_file
from . import load
from .site import Site, remote_tree

TRIAL_S = 2.0
BISECTIONS = 5
SEARCH_S = (1 + 2 * BISECTIONS) * (TRIAL_S + 1.0)
"""What a search takes, at most."""

_SENT = 0.97
"""A rate of which the client sends a smaller share is beyond it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a client sent and what of it was lost. rate_pps None: as fast as it could."""

    rate_pps: float | None
    sent_pps: float
    lost_pct: float

    @property
    def held(self) -> bool:
        sent = self.rate_pps is None or self.sent_pps >= _SENT * self.rate_pps
        return sent and self.lost_pct <= HELD_LOSS_PCT

    @property
    def received_pps(self) -> float:
        return self.sent_pps * (1 - self.lost_pct / 100)


async def highest_held(trial: Callable[[float | None], Awaitable[Trial]]) -> float | None:
    """The highest rate that was held, packets/s; None if none was.

    First as fast as the client can send; then, paced, at what arrived of that, for pacing costs the
    client time too; then by bisection. A rate counts as held if it was in one of two trials: what
    else runs on the hosts for a moment costs packets too.
    """
    unpaced = await trial(None)
    low, high, rate = 0.0, unpaced.sent_pps, unpaced.received_pps
    for _ in range(BISECTIONS):
        if (await trial(rate)).held or (await trial(rate)).held:
            low = rate
            if rate >= unpaced.received_pps:
                break
        else:
            high = rate
        rate = (low + high) / 2
    return low or None


async def find_capacity(site: Site, layer: Layer, length: int) -> float:
    """The rate of datagrams of this length that the layer holds, packets/s. Raises RemoteError."""
    found = await highest_held(lambda rate: _trial(site, layer, length, rate))
    if found is None:
        node = site.pair(layer).client.name
        problem = f"no packet rate with a loss of at most {HELD_LOSS_PCT:g} % was found"
        raise CommandFailed(node, problem)
    return found


def at_rate(workload: Workload, packets_per_s: float) -> Workload:
    """The workload with so many datagrams per second."""
    assert workload.length is not None
    return replace(workload, bandwidth=str(round(packets_per_s * workload.length * 8)))


async def _trial(site: Site, layer: Layer, length: int, rate_pps: float | None) -> Trial:
    pair, sides = site.pair(layer), site.sides(layer)
    workload = Workload(
        "capacity", "load", "iperf3", "udp", window_s=TRIAL_S, warmup_s=0, length=length
    )
    workload = load.pinned(workload, site.environment, pair)
    if rate_pps is not None:
        workload = at_rate(workload, rate_pps)
    ports = site.ports.take(1)
    server, client = sides["server"], sides["client"]
    folder = {side: f"{remote_tree(shell)}/capacity_{side}" for side, shell in sides.items()}
    for side, shell in (("server", server), ("client", client)):
        await shell.run(("mkdir", "-p", "--", folder[side]))
    try:
        servers = await load.start_servers(server, pair, workload, ports, folder["server"])
        clients = await load.start_clients(client, pair, workload, ports, folder["client"])
        await load.finish([*clients, *servers], load.deadline_s(workload) * client.pace)
        file = f"{folder['client']}/{client_file(workload, ports[0])}"
        answer = await client.run(("cat", "--", file))
    finally:
        for side, shell in (("server", server), ("client", client)):
            await shell.run(("rm", "-r", "--", folder[side]), check=False)
    try:
        return _read(answer.stdout, rate_pps)
    except ParseError as error:
        raise CommandFailed(client.node.name, f"search of the capacity: {error}") from error


def _read(text: str, rate_pps: float | None) -> Trial:
    result = iperf3.parse_client(text, "iperf3")
    received, lost = result.datagrams or 0, result.lost or 0
    if not received + lost:
        raise ParseError("iperf3", "nothing was sent")
    sent = received + lost
    return Trial(rate_pps, sent / result.received_s, 100 * lost / sent)
