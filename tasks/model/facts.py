"""What discovery found on a node: everything that decides whether two measurements are comparable.

None means "unknown", never "no". Fields carry their unit in the name.
"""

import hashlib
import json
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from .clock_kind import Clock


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cpu(_Fact):
    """The processor, from lscpu or /proc/cpuinfo."""

    model: str | None = None
    sockets: int | None = None
    cores_per_socket: int | None = None
    threads_per_core: int | None = None
    cpus: int | None = None
    numa_nodes: int | None = None
    mhz_min: float | None = None
    mhz_max: float | None = None
    governor: str | None = None
    virtualization: str | None = None
    mitigations: dict[str, str] = {}


class Nic(_Fact):
    """One network interface on the path of the test traffic."""

    name: str
    kind: str | None = None  # plain, bond, bridge, vlan, ovs-internal, ovs-bond, veth, tap …
    mac: str | None = None
    addresses: tuple[str, ...] = ()
    mtu: int | None = None
    driver: str | None = None
    speed_mbps: int | None = None
    queues: int | None = None
    numa_node: int | None = None
    offloads: dict[str, str] = {}
    irq_affinity: dict[str, str] = {}


class Bpf(_Fact):
    """The kernel features that eBPF tools use."""

    btf: bool | None = None
    kprobes: bool | None = None
    tracepoints: bool | None = None
    stats: bool | None = None  # kernel.bpf_stats_enabled exists (5.1 and later)
    jit: bool | None = None
    has: tuple[str, ...] = ()  # of what the tools attach to: function:f, tracepoint:system:event
    lacks: dict[str, tuple[str, ...]] = {}  # the same, absent -> names that it has instead


class Vm(_Fact):
    """A VM as its physical host sees it."""

    uuid: str | None = None
    qemu_pid: int | None = None
    tap: str | None = None
    mac: str | None = None
    vhost_pids: tuple[int, ...] = ()
    bridge: str | None = None
    physical: str | None = None  # NIC or bond below the bridge
    physical_members: tuple[str, ...] = ()


class Facts(_Fact):
    """Everything found on one node."""

    node: str
    hostname: str | None = None
    kernel: str | None = None
    distribution: str | None = None
    arch: str | None = None
    cpu: Cpu = Cpu()
    memory_mib: int | None = None
    interface: str | None = None  # carries the test traffic
    test_ip: str | None = None
    internal_port: str | None = None  # OVS internal port
    bridge: str | None = None
    uplink_bridge: str | None = None
    physical: str | None = None  # NIC or bond below it
    physical_members: tuple[str, ...] = ()
    nics: tuple[Nic, ...] = ()
    programs: dict[str, str | None] = {}  # name -> version; None: installed, version unknown
    bpf: Bpf = Bpf()
    sysctls: dict[str, str] = {}
    disk_free_mib: int | None = None
    clock_offset_s: float | None = None  # this node's clock minus ours
    clock_offset_error_s: float | None = None  # half the round trip
    vm: Vm | None = None  # of a VM: as its host sees it
    notes: tuple[str, ...] = ()


def fingerprint(nodes: Iterable[Facts], clock: Clock = Clock.WALL) -> str:
    """Identifies what must be equal for measurements to be comparable: kernels, CPUs, NIC settings,
    the clock.

    12 hexadecimal digits; a different fingerprint starts a new epoch.
    """
    identity: list[object] = [
        {
            "node": facts.node,
            "kernel": facts.kernel,
            "cpu": [facts.cpu.model, facts.cpu.cpus, facts.cpu.governor],
            "nics": [
                [nic.name, nic.driver, nic.speed_mbps, nic.mtu, sorted(nic.offloads.items())]
                for nic in facts.nics
            ],
        }
        for facts in sorted(nodes, key=lambda facts: facts.node)
    ]
    if clock is not Clock.WALL:  # the wall clock adds nothing: stored epochs stay as they are
        identity.append(str(clock))
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]
