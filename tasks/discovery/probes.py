"""The commands that are asked of a node. Each has a name, under which its answer is recorded.

POSIX shell only. PATH holds the administrator's folders, which CentOS leaves out of a non-login
shell. Values reach a script as its arguments, never as part of its text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..model.environment import Node

_ENVIRONMENT = (
    "env",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C",
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A shell script with arguments. `root`: its files are closed to other users."""

    name: str
    script: str
    arguments: tuple[str, ...] = ()
    root: bool = False

    def argv(self, node: Node) -> tuple[str, ...]:
        sudo = ("sudo", "-n") if self.root and node.user != "root" else ()
        return (*sudo, *_ENVIRONMENT, "sh", "-c", self.script, self.name, *self.arguments)


def key_of(argv: Sequence[str]) -> str:
    """A probe's name and arguments, whoever runs it: what its recording is found by."""
    script = list(argv).index("-c") + 1
    return " ".join(argv[script + 1 :])


CLOCK = Probe("clock", "date +%s.%N")
IDENTITY = Probe("identity", "uname -n -r -m")
CPU = Probe("cpu", "lscpu 2>/dev/null || cat /proc/cpuinfo")
LINKS = Probe(
    "links",
    "ip -d -j addr show 2>/dev/null || ip -d addr show 2>/dev/null || ip addr show",
)

_SYSCTLS = (
    "net/core/rmem_max",
    "net/core/wmem_max",
    "net/core/netdev_max_backlog",
    "net/core/netdev_budget",
    "net/core/somaxconn",
    "net/core/default_qdisc",
    "net/core/rps_sock_flow_entries",
    "net/core/busy_poll",
    "net/ipv4/tcp_rmem",
    "net/ipv4/tcp_wmem",
    "net/ipv4/tcp_congestion_control",
    "net/ipv4/tcp_timestamps",
    "net/ipv4/tcp_sack",
    "net/ipv4/ip_forward",
    "net/netfilter/nf_conntrack_max",
    "kernel/numa_balancing",
    "kernel/sched_autogroup_enabled",
    "kernel/perf_event_paranoid",
    "kernel/unprivileged_bpf_disabled",
    "kernel/bpf_stats_enabled",
    "net/core/bpf_jit_enable",
)
FILES = Probe(
    "files",
    'head -n 200 "$@" /sys/devices/system/cpu/vulnerabilities/* 2>/dev/null; true',
    (
        "/etc/os-release",
        "/proc/meminfo",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
        *(f"/proc/sys/{name}" for name in _SYSCTLS),
    ),
)
BPF = Probe(
    "bpf",
    'ls -d "$@" 2>/dev/null; true',
    (
        "/sys/kernel/btf/vmlinux",
        "/sys/kernel/tracing/events",
        "/sys/kernel/tracing/kprobe_events",
        "/sys/kernel/debug/tracing/events",
        "/sys/kernel/debug/tracing/kprobe_events",
        "/sys/fs/bpf",
    ),
    root=True,
)

_VERSION_FLAGS = {
    "iperf3": "--version",
    "netperf": "-V",
    "netserver": "-V",
    "pidstat": "-V",
    "bpftool": "version",
    "ethtool": "--version",
    "ip": "-V",
    "setsid": "--version",
    "flock": "--version",
    "sha256sum": "--version",
    "tar": "--version",
    "bpftrace": "--version",
    "ovs-vsctl": "--version",
    "virsh": "--version",
}
PROGRAMS = Probe(
    "programs",
    """
for flags do
    program=${flags%% *}
    found=$(command -v "$program") || continue
    printf '==> %s <==\\n%s\\n' "$program" "$found"
    # shellcheck disable=SC2086
    $flags </dev/null 2>&1 | head -n 2
done
true""",
    tuple(f"{program} {flag}" for program, flag in _VERSION_FLAGS.items()),
)

FIRST = (IDENTITY, CPU, FILES, PROGRAMS, LINKS)
"""Asked of every node, whatever it is."""


OVS = Probe(
    "ovs",
    """
command -v ovs-vsctl >/dev/null || exit 0
for table in Bridge Port Interface; do
    told=$(ovs-vsctl --timeout=5 --format=json list "$table" 2>/dev/null) || exit 0
    printf '==> %s <==\\n%s\\n' "$table" "$told"
done""",
    root=True,
)
QEMUS = Probe(
    "qemus",
    """
for file in $(grep -la -e -uuid /proc/[0-9]*/cmdline 2>/dev/null); do
    process=${file%/cmdline}
    case $(readlink "$process/exe") in *qemu*) ;; *) continue ;; esac
    printf '==> %s cmdline <==\\n' "${process#/proc/}"
    tr '\\0' '\\n' <"$file"
    printf '==> %s taps <==\\n' "${process#/proc/}"
    grep -H '^iff:' "$process"/fdinfo/* 2>/dev/null
done
echo '==> vhost <=='
grep -sh '(vhost-[0-9]*)' /proc/[0-9]*/task/[0-9]*/stat
true""",
    root=True,
)


def virsh(uuid: str) -> Probe:
    """libvirt's own view of a VM's interfaces, where it is there."""
    script = 'command -v virsh >/dev/null && virsh -r domiflist "$1" 2>/dev/null; true'
    return Probe("virsh", script, (uuid,), root=True)


def disk(workdir: str) -> Probe:
    return Probe("disk", 'df -Pk "$1"', (workdir,))


def route(address: str) -> Probe:
    return Probe("route", 'ip route get "$1"', (address,))


def interfaces(names: Sequence[str]) -> Probe:
    """Driver, speed, offloads, queues, NUMA node and interrupts of interfaces."""
    return Probe(
        "interfaces",
        """
for i do
    for what in -i '' -k -l; do
        printf '==> %s ethtool%s <==\\n' "$i" "$what"
        # shellcheck disable=SC2086
        ethtool $what "$i" 2>/dev/null
    done
    device=/sys/class/net/$i/device
    printf '==> %s numa_node <==\\n' "$i"
    cat "$device/numa_node" 2>/dev/null
    printf '==> %s irqs <==\\n' "$i"
    case $(readlink "$device/subsystem") in */virtio) device=$device/.. ;; esac
    for irq in "$device"/msi_irqs/*; do
        irq=${irq##*/}
        [ -r "/proc/irq/$irq/smp_affinity_list" ] &&
            echo "$irq $(cat "/proc/irq/$irq/smp_affinity_list")"
    done
done
true""",
        tuple(names),
    )
