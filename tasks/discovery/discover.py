"""Discovery of an environment, all nodes at once: what each machine is, and the traffic's path.

Two rounds: each machine's inventory; then, once all test addresses are known, the route to the
other end and the interfaces on it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..model.clock_kind import Clock
from ..model.environment import Layer, Node
from ..model.errors import InputError, ParseError, RemoteError, raise_all
from ..model.facts import Bpf, Facts, Vm
from ..model.inputs import MinimalInput
from ..model.probe import ProbeRunner
from ..programs.attach_points import parse_symbols
from ..programs.sections import sections
from . import probes, system
from .clock import not_counting, parse_clock
from .crossing import crossing_note
from .links import Links, parse_links, parse_route
from .nics import parse_interfaces
from .open_vswitch import Ovs, parse_ovs
from .preflight import check_facts, check_path, holding_link, place, qemu_of, test_address
from .prober import Prober
from .traffic_path import traffic_path
from .vms import Qemu, parse_domiflist, parse_qemus, tap_of, vhost_pids_of

CLOCK_READINGS = 3
PROBES_AT_ONCE = 6  # on one connection; sshd allows 10 sessions

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the first round found on a node."""

    facts: Facts
    links: Links
    ovs: Ovs
    qemus: tuple[Qemu, ...]


async def discover(
    minimal: MinimalInput, run: ProbeRunner, symbols: Sequence[str] = ()
) -> dict[str, Facts]:
    """Facts of every node, by name.

    symbols: what tools attach to; hosts are asked whether their kernels have it.
    Raises InputErrors with everything that is wrong on any host: unreachable, a program missing,
    no work directory, an address that no interface has, a VM that does not run.
    """
    probers = {
        name: Prober(minimal.node(name), run, asyncio.Semaphore(PROBES_AT_ONCE))
        for name in minimal.nodes
    }
    inventories = await _on_each(probers, lambda prober: _take_inventory(prober, minimal, symbols))
    facts = await _on_each(
        probers, lambda prober: _trace_traffic(prober, probers, minimal, inventories)
    )
    raise_all([error for prober in probers.values() for error in check_facts(prober.node, facts)])
    return await _with_crossing(minimal, probers, facts)


async def _with_crossing(
    minimal: MinimalInput, probers: Mapping[str, Prober], facts: Mapping[str, Facts]
) -> dict[str, Facts]:
    """The facts, with a note on the server VM where its traffic may not cross the host's NIC."""
    pair = minimal.test_pairs.get(Layer.VM)
    server = facts[pair.server] if pair else None
    if pair is None or server is None or server.vm is None or server.notes:
        return dict(facts)
    host = probers[minimal.nodes[pair.server].host_ref or pair.server]
    note = await crossing_note(probers[pair.client], probers[pair.server], server, host, server.vm)
    notes = (note,) if note else ()
    return {**facts, pair.server: server.model_copy(update={"notes": notes})}


async def _on_each(
    probers: Mapping[str, Prober], step: Callable[[Prober], Awaitable[T]]
) -> dict[str, T]:
    """The step's result on every node at once; raises the mistakes of all of them together."""
    errors: list[InputError] = []
    results: dict[str, T] = {}

    async def one(name: str) -> None:
        where = place(probers[name].node)
        try:
            results[name] = await step(probers[name])
        except InputError as error:
            errors.extend(error.errors)
        except RemoteError as error:
            errors.append(InputError(where, "", error.problem))
        except ParseError as error:
            errors.append(InputError(where, error.source, error.reason))

    await asyncio.gather(*(one(name) for name in probers))
    raise_all(errors)
    return {name: results[name] for name in probers}


async def _take_inventory(
    prober: Prober, minimal: MinimalInput, symbols: Sequence[str]
) -> Inventory:
    """What the machine is: its clock, read while nothing else runs, then all probes at once."""
    node = prober.node
    clock = [await prober.answer(probes.CLOCK) for _ in range(CLOCK_READINGS)]
    offset, error = parse_clock(clock)
    asked = [probes.machine(node.workdir)]
    if node.role == Layer.HOST:
        has_vms = any(other.host_ref for other in minimal.nodes.values())
        asked += [probes.BPF, probes.OVS, *([probes.QEMUS] if has_vms else [])]
        asked += [probes.symbols(symbols)] if symbols else []
    texts = await asyncio.gather(*(prober.text(probe) for probe in asked))
    answers = {probe.name: text for probe, text in zip(asked, texts, strict=True)}
    machine = sections(answers["machine"])
    counts = minimal.clock is Clock.INSTRUCTIONS
    parsed = system.parse_machine(node.name, machine)
    if counts and (why := not_counting(machine.get("cpu", ""), parsed.cpu.cpus)):
        raise InputError(
            place(node), "clock", why, "wall, or a machine that QEMU runs with -icount"
        )
    bpf = system.parse_bpf(answers["bpf"], machine) if "bpf" in answers else Bpf()
    if "symbols" in answers:
        found = parse_symbols(answers["symbols"], symbols)
        bpf = bpf.model_copy(update={"has": found.has, "lacks": found.lacks})
    links, ovs = parse_links(machine.get("links", "")), parse_ovs(answers.get("ovs", ""))
    facts = parsed.model_copy(
        update={
            "bpf": bpf,
            # a clock that counts instructions runs slower than ours: an offset says nothing
            "clock_offset_s": None if counts else offset,
            "clock_offset_error_s": None if counts else error,
            "test_ip": test_address(node, minimal.discovery_hints, links, ovs),
        }
    )
    return Inventory(facts, links, ovs, parse_qemus(answers.get("qemus", "")))


async def _trace_traffic(
    prober: Prober,
    probers: Mapping[str, Prober],
    minimal: MinimalInput,
    inventories: Mapping[str, Inventory],
) -> Facts:
    """The facts with the traffic's path: the interface towards the other end and those below it."""
    node, found = prober.node, inventories[prober.node.name]
    peer = minimal.peer(node.name)
    if peer is None:  # a host that only carries VMs
        return found.facts
    target = inventories[peer].facts.test_ip or minimal.node(peer).host
    device, source = parse_route(await prober.text(probes.route(target)))
    test_ip = found.facts.test_ip or source
    link = holding_link(node, test_ip, found.links)
    path = traffic_path(link.name, found.links, found.ovs)
    if node.role == Layer.HOST:
        check_path(node, path, found.links)
    vm = await _vm(probers[node.host_ref], inventories, node, link.mac) if node.host_ref else None
    names = dict.fromkeys((link.name, path.physical, *path.members))
    known = [name for name in names if name in found.links]
    nics = parse_interfaces(await prober.text(probes.interfaces(known)), found.links)
    notes = [f"the route to {target} leaves by {device}"] if device != link.name else []
    if node.host_ref and node.host_ref == minimal.nodes[peer].host_ref:
        notes.append(f"{node.name} and {peer} run on one host: no NIC is crossed")
    is_internal = link.name in {port.name for port in found.ovs.of_type("internal")}
    return found.facts.model_copy(
        update={
            "interface": link.name,
            "test_ip": test_ip,
            "internal_port": link.name if is_internal else None,
            "bridge": path.bridge,
            "uplink_bridge": path.uplink_bridge,
            "physical": path.physical,
            "physical_members": path.members,
            "nics": nics,
            "vm": vm,
            "notes": tuple(notes),
        }
    )


async def _vm(
    host: Prober, inventories: Mapping[str, Inventory], node: Node, mac: str | None
) -> Vm:
    """The VM `node` as its host sees it."""
    found = inventories[host.node.name]
    qemu = qemu_of(node, {name: other.qemus for name, other in inventories.items()})
    tap = tap_of(qemu, mac or "", found.links)
    if tap is None:
        problem = f"no tap of qemu {qemu.pid} belongs to the guest's {mac}"
        expected = f"one of its taps: {', '.join(qemu.tap_names) or 'none'}"
        raise InputError(place(node), "test_ip", problem, expected)
    listed = parse_domiflist(await host.text(probes.virsh(node.uuid or "")))
    if mac and listed.get(mac.lower(), tap) != tap:
        problem = f"libvirt says that {mac} is {listed[mac.lower()]}, /proc says {tap}"
        raise InputError(place(node), "uuid", problem, "both to name one device")
    pids = vhost_pids_of(qemu, tap)
    path = traffic_path(tap, found.links, found.ovs)
    return Vm(
        uuid=node.uuid,
        qemu_pid=qemu.pid,
        tap=tap,
        mac=mac,
        vhost_pids=qemu.vhost_pids if pids is None else pids,
        bridge=path.bridge,
        physical=path.physical,
        physical_members=path.members,
    )
