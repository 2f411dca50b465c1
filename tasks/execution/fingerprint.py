"""Looks at the hosts outside the windows, and the name of the world that they show."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping

from ..model.environment import Environment, Pair
from ..model.outcome import HostState
from ..programs import host_state
from .shell import Shell


async def look_at(
    shells: Iterable[Shell], environment: Environment, pair: Pair, since: Mapping[str, HostState]
) -> dict[str, HostState]:
    """Each host by name. `since`: earlier looks, after which warnings count. Raises RemoteError."""

    async def one(shell: Shell) -> HostState:
        name = shell.node.name
        earlier = since.get(name)
        stamp = None if earlier is None else earlier.log_stamp
        interfaces, guests = _interfaces(environment, pair, name), _guests(environment, name)
        answer = await shell.run(host_state.argv(interfaces, guests, stamp))
        return host_state.parse(answer.stdout, f"{name}: look")

    by_name = {shell.node.name: shell for shell in shells}
    looks = await asyncio.gather(*(one(shell) for shell in by_name.values()))
    return dict(zip(by_name, looks, strict=True))


def _guests(environment: Environment, host: str) -> list[str]:
    """Uuids of our VMs there: they carry the load, or wait for it and answer our heartbeat."""
    nodes = {node for pair in environment.pairs.values() for node in pair.nodes}
    return sorted(node.uuid for node in nodes if node.host_ref == host and node.uuid)


def _interfaces(environment: Environment, pair: Pair, node: str) -> list[str]:
    """All on the way of the test traffic."""
    found = [nic.name for nic in environment.facts[node].nics]
    if pair.server.name == node:
        found.append(pair.server_interface)
    if pair.client.name == node:
        found.append(pair.client_interface)
    return list(dict.fromkeys(found))


def epoch_of(run: str, looks: Mapping[str, HostState]) -> str:
    """Names the world: the run's fingerprint and what the looks show of kernels and NICs."""
    seen = {name: look.world for name, look in looks.items()}
    text = json.dumps([run, seen], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
