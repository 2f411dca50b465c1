"""Does the VM pair's traffic really cross the hosts' NICs? A short load, and the NICs' counters."""

import asyncio

from ..model.facts import Facts, Vm
from ..programs.sections import sections
from . import probes
from .prober import Prober


async def crossing_note(
    client: Prober, server: Prober, found: Facts, host: Prober, vm: Vm
) -> str | None:
    """Why the traffic from `client` to `server` may not cross the NIC of the server's `host`.

    One-sided: other traffic on the NIC can hide that this traffic does not cross it. Bytes are
    counted, because a packet on a virtual NIC may be 64 KiB long.
    """
    names = vm.physical_members or ((vm.physical,) if vm.physical else ())
    if not names or not found.test_ip:
        return "no NIC was found under the VM's bridge"
    before = _bytes(await host.text(probes.counters("before", names)))
    _, sent = await asyncio.gather(
        server.answer(probes.receiver(found.test_ip)), client.answer(probes.sender(found.test_ip))
    )
    after = _bytes(await host.text(probes.counters("after", names)))
    on = f"{', '.join(names)} of {host.node.name}"
    if sent.status != 0:
        return f"no load from {client.node.name} arrived: its path over {on} was not checked"
    if after - before < probes.SENT_BYTES:
        return f"{probes.SENT_BYTES} bytes to the VM moved {after - before} on {on}"
    return None


def _bytes(text: str) -> int:
    """Bytes received on all interfaces of the `counters` probe together."""
    return sum(int(count) for count in sections(text).values() if count.isdigit())
