"""The host states, read outside the windows, and the fingerprint of the settings that must be equal
in cells that are compared."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping

from ..model.environment import Environment, Pair
from ..model.outcome import HostState
from ..programs import host_state
from .shell import Shell


async def read_host_states(
    shells: Iterable[Shell],
    environment: Environment,
    pair: Pair,
    since: Mapping[str, HostState] | None = None,
) -> dict[str, HostState]:
    """The host state of each host, by name. Raises RemoteError.

    since: earlier states; only kernel warnings after them are reported.
    """
    earlier = since or {}

    async def read(name: str, shell: Shell) -> HostState:
        stamp = earlier[name].log_stamp if name in earlier else None
        interfaces, guests = _interfaces(environment, pair, name), _guests(environment, name)
        answer = await shell.run(host_state.argv(interfaces, guests, stamp))
        return host_state.parse(answer.stdout, f"{name}: host state")

    by_name = {shell.node.name: shell for shell in shells}
    states = await asyncio.gather(*(read(name, shell) for name, shell in by_name.items()))
    return dict(zip(by_name, states, strict=True))


def _guests(environment: Environment, host: str) -> list[str]:
    """Uuids of the environment's VMs on a host. Their processes are never foreign, even if idle."""
    nodes = {node for pair in environment.pairs.values() for node in pair.nodes}
    return sorted(node.uuid for node in nodes if node.host_ref == host and node.uuid)


def _interfaces(environment: Environment, pair: Pair, node: str) -> list[str]:
    """All interfaces of the traffic path on this node."""
    found = [nic.name for nic in environment.facts[node].nics]
    if pair.server.name == node:
        found.append(pair.server_interface)
    if pair.client.name == node:
        found.append(pair.client_interface)
    return list(dict.fromkeys(found))


def fingerprint_of(run: str, states: Mapping[str, HostState]) -> str:
    """12 hexadecimal digits over the run's fingerprint and the present kernel and NIC settings."""
    settings = {name: state.settings for name, state in states.items()}
    text = json.dumps([run, settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
