"""A host's state outside the windows: what must be equal where cells compare, and the kernel's log.

One shell script, one answer: kernel and NIC settings, CPU frequency settings, processes that carry
the test traffic, new warnings of the kernel. What the host does not let us see is missing.
"""

from collections.abc import Iterable

from ..model.errors import ParseError
from ..model.outcome import HostState
from .sections import QUOTE, sections

_SCRIPT = (
    QUOTE
    + r"""
since=$1
echo "==> world <=="
echo "kernel: $(uname -r)"
for i in $2; do
    grep -sH . /sys/class/net/"$i"/mtu /sys/class/net/"$i"/speed /sys/class/net/"$i"/duplex |
        sed 's|^/sys/class/net/||'
    driver=$(readlink /sys/class/net/"$i"/device/driver) && echo "$i/driver:${driver##*/}"
    ethtool -k "$i" 2>/dev/null | grep -E ': (on|off)' | sed "s|^[[:space:]]*|$i/|; s| \[.*||"
done
echo "==> frequency <=="
cd /sys/devices/system/cpu && grep -sH . cpu[0-9]*/cpufreq/scaling_governor \
    cpu[0-9]*/cpufreq/scaling_min_freq cpu[0-9]*/cpufreq/scaling_max_freq \
    intel_pstate/no_turbo cpufreq/boost
echo "==> carriers <=="
cat /run/openvswitch/ovs-vswitchd.pid 2>/dev/null
for uuid in $3; do
    grep -lsaF -- "$uuid" /proc/[0-9]*/cmdline | sed 's|[^0-9]||g'
done
if all=$(dmesg 2>/dev/null); then
    echo "==> log <=="
    printf '%s\n' "$all" | sed -n '$s|^\[ *\([0-9.]*\)\].*|\1|p'
    if [ -n "$since" ]; then
        echo "==> warnings <=="
        dmesg --level=emerg,alert,crit,err,warn 2>/dev/null | awk -v since="$since" \
            '{ s = $0; sub(/^\[ */, "", s); if (s + 0 > since + 0) print }' | head -n 20 | quote
    fi
fi
"""
)


def argv(
    interfaces: Iterable[str], guests: Iterable[str] = (), since: float | None = None
) -> tuple[str, ...]:
    """interfaces: their settings are read; guests: uuids of VMs here that are ours.

    since: a `log_stamp`; only later warnings of the kernel are listed.
    """
    stamp = "" if since is None else f"{since:.6f}"
    return ("sh", "-c", _SCRIPT, "host_state", stamp, " ".join(interfaces), " ".join(guests))


def parse(text: str, source: str) -> HostState:
    """Raises ParseError for an answer without kernel."""
    found = sections(text)
    world = _settings(found.get("world", ""))
    if not world.get("kernel"):
        raise ParseError(source, "no kernel in it")
    try:
        stamp = float(found["log"]) if found.get("log") else None
        carriers = tuple(map(int, found.get("carriers", "").split()))
    except ValueError as error:
        raise ParseError(source, f"not a number: {error}") from None
    warnings = found.get("warnings")
    return HostState(
        settings=world,
        frequency=_settings(found.get("frequency", "")),
        carriers=carriers,
        log_stamp=stamp,
        warnings=None if warnings is None else tuple(line for line in warnings.split("\n") if line),
    )


def _settings(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.split("\n"))
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}
