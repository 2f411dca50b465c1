"""All nodes of an environment, asked at the same time: what they are, and the way of the traffic.

Two rounds: what every machine tells of itself; then, knowing all test addresses, the route to the
other end and the interfaces on it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..model.environment import Layer, Node
from ..model.errors import InputError, ParseError, RemoteError, raise_all
from ..model.facts import Bpf, Facts, Vm
from ..model.inputs import Hints, MinimalInput
from ..programs.sections import sections
from . import probes, system
from .clock import parse_clock
from .crossing import crossing_note
from .links import Links, parse_links, parse_route
from .nics import parse_interfaces
from .open_vswitch import Ovs, parse_ovs
from .preflight import check_facts, check_way, holding_link, place, qemu_of, test_address
from .prober import Prober, ProbeRunner
from .traffic_path import way_of
from .vms import Qemu, parse_domiflist, parse_qemus, tap_of, vhost_pids_of

CLOCK_READINGS = 3
AT_ONCE = 6  # questions on one connection; sshd allows 10 sessions

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look:
    """What the first round told of a node."""

    facts: Facts
    links: Links
    ovs: Ovs
    qemus: tuple[Qemu, ...]


async def discover(minimal: MinimalInput, ask: ProbeRunner) -> dict[str, Facts]:
    """Facts of every node, by name.

    Raises InputErrors with everything that is wrong on any host: unreachable, a program missing,
    a work directory that is not there, an address that no interface has, a VM that is not there.
    """
    asked = {
        name: Prober(minimal.node(name), ask, asyncio.Semaphore(AT_ONCE)) for name in minimal.nodes
    }
    has_vms = any(node.host_ref for node in minimal.nodes.values())

    async def first(one: Prober) -> Look:
        return await first_look(one, minimal.discovery_hints, has_vms=has_vms)

    looks = await _each(asked, first)

    async def second(one: Prober) -> Facts:
        return await second_look(one, asked, minimal, looks)

    facts = await _each(asked, second)
    raise_all([error for one in asked.values() for error in check_facts(one.node, facts)])
    return await with_crossing(minimal, asked, facts)


async def with_crossing(
    minimal: MinimalInput, asked: Mapping[str, Prober], facts: Mapping[str, Facts]
) -> dict[str, Facts]:
    """The facts, with a note on the server VM where its traffic may not cross the host's NIC."""
    pair = minimal.test_pairs.get(Layer.VM)
    server = facts[pair.server] if pair else None
    if pair is None or server is None or server.vm is None or server.notes:
        return dict(facts)
    host = asked[minimal.nodes[pair.server].host_ref or pair.server]
    note = await crossing_note(asked[pair.client], asked[pair.server], server, host, server.vm)
    notes = (note,) if note else ()
    return {**facts, pair.server: server.model_copy(update={"notes": notes})}


async def _each(
    asked: Mapping[str, Prober], look: Callable[[Prober], Awaitable[T]]
) -> dict[str, T]:
    """`look` at every node at once; raises the mistakes of all of them together."""
    errors: list[InputError] = []

    async def one(name: str) -> T | None:
        node = asked[name].node
        try:
            return await look(asked[name])
        except InputError as error:
            errors.extend(error.errors)
        except RemoteError as error:
            errors.append(InputError(place(node), "", error.problem))
        except ParseError as error:
            errors.append(InputError(place(node), error.source, error.reason))
        return None

    answers = await asyncio.gather(*(one(name) for name in asked))
    raise_all(errors)
    return {name: answer for name, answer in zip(asked, answers, strict=True) if answer is not None}


async def first_look(asked: Prober, hints: Hints, *, has_vms: bool) -> Look:
    """What the machine is: one round of questions, after its clock was read in peace."""
    node = asked.node
    clock = [await asked.answer(probes.CLOCK) for _ in range(CLOCK_READINGS)]
    offset, error = parse_clock(clock)
    questions = [probes.machine(node.workdir)]
    if node.role == Layer.HOST:
        questions += [probes.BPF, probes.OVS, *([probes.QEMUS] if has_vms else [])]
    answers = await asyncio.gather(*(asked.text(probe) for probe in questions))
    told = {probe.name: answer for probe, answer in zip(questions, answers, strict=True)}
    machine = sections(told["machine"])
    links, ovs = parse_links(machine.get("links", "")), parse_ovs(told.get("ovs", ""))
    facts = system.parse_machine(node.name, machine).model_copy(
        update={
            "bpf": system.parse_bpf(told["bpf"], machine) if "bpf" in told else Bpf(),
            "clock_offset_s": offset,
            "clock_offset_error_s": error,
            "test_ip": test_address(node, hints, links, ovs),
        }
    )
    return Look(facts, links, ovs, parse_qemus(told.get("qemus", "")))


async def second_look(
    asked: Prober, others: Mapping[str, Prober], minimal: MinimalInput, looks: Mapping[str, Look]
) -> Facts:
    """The way of the test traffic: the interface towards the other end, and what lies under it."""
    node, look = asked.node, looks[asked.node.name]
    peer = minimal.peer(node.name)
    if peer is None:  # a host that only bears VMs
        return look.facts
    towards = looks[peer].facts.test_ip or minimal.node(peer).host
    device, source = parse_route(await asked.text(probes.route(towards)))
    held = holding_link(node, look.facts.test_ip or source, look.links)
    way = way_of(held.name, look.links, look.ovs)
    if node.role == Layer.HOST:
        check_way(node, way, look.links)
    vm = await _vm(others[node.host_ref], looks, node, held.mac) if node.host_ref else None
    names = tuple(dict.fromkeys((held.name, way.physical, *way.members)))
    known = [name for name in names if name in look.links]
    nics = parse_interfaces(await asked.text(probes.interfaces(known)), look.links)
    notes = [f"the route to {towards} leaves by {device}"] if device != held.name else []
    if node.host_ref and node.host_ref == minimal.nodes[peer].host_ref:
        notes.append(f"{node.name} and {peer} run on one host: no NIC is crossed")
    is_internal = held.name in {port.name for port in look.ovs.of_type("internal")}
    return look.facts.model_copy(
        update={
            "interface": held.name,
            "test_ip": look.facts.test_ip or source,
            "internal_port": held.name if is_internal else None,
            "bridge": way.bridge,
            "uplink_bridge": way.uplink_bridge,
            "physical": way.physical,
            "physical_members": way.members,
            "nics": nics,
            "vm": vm,
            "notes": tuple(notes),
        }
    )


async def _vm(host: Prober, looks: Mapping[str, Look], node: Node, mac: str | None) -> Vm:
    """The VM `node` as its host sees it."""
    look = looks[host.node.name]
    qemu = qemu_of(node, {name: other.qemus for name, other in looks.items()})
    tap = tap_of(qemu, mac or "", look.links)
    if tap is None:
        there = ", ".join(qemu.tap_names) or "none"
        problem = f"no tap of qemu {qemu.pid} is that of the guest's {mac}"
        raise InputError(place(node), "test_ip", problem, f"one of its taps: {there}")
    told = parse_domiflist(await host.text(probes.virsh(node.uuid or "")))
    if mac and told.get(mac.lower(), tap) != tap:
        problem = f"libvirt says that {mac} is {told[mac.lower()]}, /proc says {tap}"
        raise InputError(place(node), "uuid", problem, "both to name one device")
    pids = vhost_pids_of(qemu, tap)
    way = way_of(tap, look.links, look.ovs)
    return Vm(
        uuid=node.uuid,
        qemu_pid=qemu.pid,
        tap=tap,
        mac=mac,
        vhost_pids=qemu.vhost_pids if pids is None else pids,
        bridge=way.bridge,
        physical=way.physical,
        physical_members=way.members,
    )
