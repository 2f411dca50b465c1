"""All nodes of an environment, asked at the same time: what they are, and the way of the traffic.

Two rounds: what every machine tells of itself; then, knowing all test addresses, the route to the
other end and the interfaces on it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..model.environment import Layer, Node
from ..model.errors import InputError, InputErrors, ParseError, RemoteError, raise_all
from ..model.facts import Facts
from ..model.inputs import MinimalInput
from . import probes, system
from .ask import Answer, Ask
from .clock import parse_clock
from .demands import check_facts
from .links import Links, bottom, holder, members, parse_links, parse_route
from .nics import parse_interfaces
from .probes import Probe

CLOCK_READINGS = 3
AT_ONCE = 6  # questions on one connection; sshd allows 10 sessions

T = TypeVar("T")


def place(node: Node) -> str:
    """How a mistake on a host names it."""
    return f"{node.name} ({node.address})"


@dataclass(frozen=True, slots=True)
class Asked:
    """One node, and how to ask it."""

    node: Node
    ask: Ask
    gate: asyncio.Semaphore

    async def answer(self, probe: Probe) -> Answer:
        async with self.gate:
            return await self.ask(self.node, probe.argv(self.node))

    async def text(self, probe: Probe) -> str:
        """What the probe printed. Raises InputError where it failed."""
        answer = await self.answer(probe)
        if answer.status == 0:
            return answer.stdout
        told = answer.stderr.strip().splitlines()[-1:] or [f"status {answer.status}"]
        expected = "root, or sudo without a password" if probe.root else ""
        raise InputError(place(self.node), probe.name, told[0], expected)


@dataclass(frozen=True, slots=True)
class Look:
    """What the first round told of a node."""

    facts: Facts
    links: Links


async def discover(minimal: MinimalInput, ask: Ask) -> dict[str, Facts]:
    """Facts of every node, by name.

    Raises InputErrors with everything that is wrong on any host: unreachable, a program missing,
    a work directory that is not there, an address that no interface has.
    """
    asked = {
        name: Asked(minimal.node(name), ask, asyncio.Semaphore(AT_ONCE)) for name in minimal.nodes
    }
    looks = await _each(asked, first_look)

    async def second(one: Asked) -> Facts:
        return await second_look(one, looks[one.node.name], minimal, looks)

    facts = await _each(asked, second)
    raise_all([error for one in asked.values() for error in check_facts(one.node, facts)])
    return facts


async def _each(asked: Mapping[str, Asked], look: Callable[[Asked], Awaitable[T]]) -> dict[str, T]:
    """`look` at every node at once; raises the mistakes of all of them together."""
    errors: list[InputError] = []

    async def one(name: str) -> T | None:
        node = asked[name].node
        try:
            return await look(asked[name])
        except InputErrors as error:
            errors.extend(error.errors)
        except InputError as error:
            errors.append(error)
        except RemoteError as error:
            errors.append(InputError(place(node), "", error.problem))
        except ParseError as error:
            errors.append(InputError(place(node), error.source, error.reason))
        return None

    answers = await asyncio.gather(*(one(name) for name in asked))
    raise_all(errors)
    return {name: answer for name, answer in zip(asked, answers, strict=True) if answer is not None}


async def first_look(asked: Asked) -> Look:
    """What the machine is: one round of questions, after its clock was read in peace."""
    node = asked.node
    clock = [await asked.answer(probes.CLOCK) for _ in range(CLOCK_READINGS)]
    offset, error = parse_clock(clock)
    identity, cpu, files, programs, links, disk, bpf = await asyncio.gather(
        *(asked.text(probe) for probe in probes.FIRST),
        asked.text(probes.disk(node.workdir)),
        asked.text(probes.BPF),
    )
    hostname, kernel, arch = system.parse_identity(identity)
    read = system.parse_files(files)
    facts = Facts(
        node=node.name,
        hostname=hostname,
        kernel=kernel,
        distribution=system.distribution(read),
        arch=arch,
        cpu=system.with_files(system.parse_cpu(cpu), read),
        memory_mib=system.memory_mib(read),
        programs=system.parse_programs(programs),
        bpf=system.parse_bpf(bpf, read),
        sysctls=system.sysctls(read),
        disk_free_mib=system.parse_df(disk),
        clock_offset_s=offset,
        clock_offset_error_s=error,
        test_ip=node.test_ip,
    )
    return Look(facts, parse_links(links))


async def second_look(
    asked: Asked, look: Look, minimal: MinimalInput, looks: Mapping[str, Look]
) -> Facts:
    """The way of the test traffic: the interface towards the other end, and what lies under it."""
    node, links = asked.node, look.links
    peer = minimal.peer(node.name)
    if peer is None:  # a host that only bears VMs
        return look.facts
    towards = looks[peer].facts.test_ip or minimal.node(peer).host
    device, source = parse_route(await asked.text(probes.route(towards)))
    test_ip = look.facts.test_ip or source
    held = holder(links, test_ip) if test_ip else None
    if held is None:
        there = ", ".join(f"{a} on {link.name}" for link in links.values() for a in link.addresses)
        raise InputError(place(node), "test_ip", f"no interface has {test_ip}", f"one of {there}")
    notes = (f"the route to {towards} leaves by {device}",) if device != held.name else ()
    physical = bottom(links, held.name)
    below = members(links, physical)
    names = tuple(dict.fromkeys((held.name, physical, *below)))
    nics = parse_interfaces(await asked.text(probes.interfaces(names)), links)
    return look.facts.model_copy(
        update={
            "interface": held.name,
            "test_ip": test_ip,
            "bridge": held.master if node.role == Layer.HOST else None,
            "physical": physical,
            "physical_members": below,
            "nics": nics,
            "notes": notes,
        }
    )
