"""The commands that discovery runs on a node. Each has a name, under which its answer is recorded.

POSIX shell only. PATH includes the administrator's folders, which CentOS leaves out of a non-login
shell. Values reach a script as its arguments, never as part of its text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..model.environment import Node
from ..programs.attach_points import LIST_SCRIPT
from ..programs.loads import LOADS
from ..programs.sections import QUOTE

_ENVIRONMENT = (
    "env",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C",
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A shell script with arguments. `root`: what it reads is closed to other users."""

    name: str
    script: str
    arguments: tuple[str, ...] = ()
    root: bool = False

    def argv(self, node: Node) -> tuple[str, ...]:
        sudo = ("sudo", "-n") if self.root and node.user != "root" else ()
        return (*sudo, *_ENVIRONMENT, "sh", "-c", self.script, self.name, *self.arguments)


def key_of(argv: Sequence[str]) -> str:
    """A probe's name and arguments, without who runs it: the key of its recording."""
    script = list(argv).index("-c") + 1
    return " ".join(argv[script + 1 :])


CLOCK = Probe("clock", "date +%s.%N")

_FILES = (
    "/etc/os-release",
    "/proc/meminfo",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "/sys/devices/system/cpu/vulnerabilities/*",
    *(
        f"/proc/sys/{name}"
        for name in (
            "net/core/rmem_max",
            "net/core/wmem_max",
            "net/core/netdev_max_backlog",
            "net/core/netdev_budget",
            "net/core/somaxconn",
            "net/core/default_qdisc",
            "net/core/rps_sock_flow_entries",
            "net/core/busy_poll",
            "net/core/bpf_jit_enable",
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
        )
    ),
)
_VERSIONS = (
    *(command for load in LOADS.values() for command in load.versions),
    "pidstat -V",
    "bpftool version",
    "ethtool --version",
    "ip -V",
    "setsid --version",
    "flock --version",
    "sha256sum --version",
    "tar --version",
    "bpftrace --version",
    "ovs-vsctl --version",
)


def machine(workdir: str) -> Probe:
    """All that any user may read of a machine, as one probe, because a guest may answer slowly."""
    programs = "".join(
        f"""
if command -v {command.split()[0]} >/dev/null; then
    echo '==> program {command.split()[0]} <=='
    {command} </dev/null 2>&1
fi"""
        for command in _VERSIONS
    )
    script = f"""
echo '==> uname <=='
uname -n -r -m
echo '==> df <=='
df -Pk "$1" 2>&1
echo '==> cpu <=='
lscpu 2>/dev/null || cat /proc/cpuinfo
echo '==> links <=='
ip -d -j addr show 2>/dev/null || ip -d addr show 2>/dev/null || ip addr show
head -n 200 {" ".join(_FILES)} 2>/dev/null
{programs}
true"""
    return Probe("machine", script, (workdir,))


BPF = Probe(
    "bpf",
    """
for root in /sys/kernel/tracing /sys/kernel/debug/tracing; do
    ls -d $root/events $root/kprobe_events 2>/dev/null
done
ls -d /sys/kernel/btf/vmlinux 2>/dev/null
true""",
    root=True,
)


def symbols(asked: Sequence[str]) -> Probe:
    """The functions and tracepoints of the kernel that tools attach to, and similar names."""
    return Probe("symbols", LIST_SCRIPT, tuple(asked), root=True)


OVS = Probe(
    "ovs",
    """
command -v ovs-vsctl >/dev/null || exit 0
for table in Bridge,ports Port,interfaces Interface,type,options; do
    name=${table%%,*} columns=_uuid,name,${table#*,}
    rows=$(ovs-vsctl --timeout=5 --format=json --columns="$columns" list "$name" 2>/dev/null) ||
        exit 0
    printf '==> %s <==\\n%s\\n' "$name" "$rows"
done""",
    root=True,
)
QEMUS = Probe(
    "qemus",
    QUOTE
    + """
for file in $(grep -la -e -uuid /proc/[0-9]*/cmdline 2>/dev/null); do
    process=${file%/cmdline}
    case $(readlink "$process/exe") in *qemu*) ;; *) continue ;; esac
    printf '==> %s cmdline <==\\n' "${process#/proc/}"
    tr '\\0' '\\n' <"$file" | quote
    printf '==> %s taps <==\\n' "${process#/proc/}"
    grep -H '^iff:' "$process"/fdinfo/* 2>/dev/null
done
echo '==> vhost <=='
grep -sh '(vhost-[0-9]*)' /proc/[0-9]*/task/[0-9]*/stat
true""",
    root=True,
)


def virsh(uuid: str) -> Probe:
    """A VM's interfaces as libvirt sees them; nothing where there is no libvirt."""
    script = 'command -v virsh >/dev/null && virsh -r domiflist "$1" 2>/dev/null; true'
    return Probe("virsh", script, (uuid,), root=True)


def counters(when: str, names: Sequence[str]) -> Probe:
    """Bytes received on each interface. `when` tells two readings apart in a recording."""
    script = """
shift
for i do
    printf '==> %s <==\\n' "$i"
    cat "/sys/class/net/$i/statistics/rx_bytes" 2>/dev/null
done
true"""
    return Probe("counters", script, (when, *names))


SENT_BYTES = 2 * 1024 * 1024
_PORT = 5399


def receiver(address: str) -> Probe:
    """Waits up to 15 s for one short load."""
    return Probe("receiver", f'timeout 15 iperf3 -s -1 -p {_PORT} -B "$1"', (address,))


def sender(address: str) -> Probe:
    """Sends SENT_BYTES once the receiver listens."""
    script = f"""
for try in 1 2 3 4 5 6 7 8 9 10; do
    timeout 10 iperf3 -c "$1" -p {_PORT} -n {SENT_BYTES} && exit 0
    sleep 0.3
done
exit 1"""
    return Probe("sender", script, (address,))


def route(address: str) -> Probe:
    return Probe("route", 'ip route get "$1"', (address,))


def interfaces(names: Sequence[str]) -> Probe:
    """Driver, speed, offloads, queues, NUMA node and interrupts of each interface."""
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
