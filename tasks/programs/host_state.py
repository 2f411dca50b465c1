"""A look at a host outside the windows: what must be equal in what compares, and the kernel's log.

One shell script, one answer: kernel and NIC settings, CPU frequency settings, processes that carry
the test traffic, new warnings of the kernel. What the host does not let us see is missing.
"""

from collections.abc import Iterable

from ..model.errors import ParseError
from ..model.outcome import HostState

_SCRIPT = r"""
since=$1
echo "@ world"
echo "kernel: $(uname -r)"
for i in $2; do
    grep -sH . /sys/class/net/"$i"/mtu /sys/class/net/"$i"/speed /sys/class/net/"$i"/duplex |
        sed 's|^/sys/class/net/||'
    driver=$(readlink /sys/class/net/"$i"/device/driver) && echo "$i/driver:${driver##*/}"
    ethtool -k "$i" 2>/dev/null | grep -E ': (on|off)' | sed "s|^[[:space:]]*|$i/|; s| \[.*||"
done
echo "@ frequency"
cd /sys/devices/system/cpu && grep -sH . cpu[0-9]*/cpufreq/scaling_governor \
    cpu[0-9]*/cpufreq/scaling_min_freq cpu[0-9]*/cpufreq/scaling_max_freq \
    intel_pstate/no_turbo cpufreq/boost
echo "@ carriers"
cat /run/openvswitch/ovs-vswitchd.pid 2>/dev/null
for uuid in $3; do
    grep -lsaF -- "$uuid" /proc/[0-9]*/cmdline | sed 's|[^0-9]||g'
done
if all=$(dmesg 2>/dev/null); then
    echo "@ log"
    printf '%s\n' "$all" | sed -n '$s|^\[ *\([0-9.]*\)\].*|\1|p'
    if [ -n "$since" ]; then
        echo "@ warnings"
        dmesg --level=emerg,alert,crit,err,warn 2>/dev/null | awk -v since="$since" \
            '{ s = $0; sub(/^\[ */, "", s); if (s + 0 > since + 0) print }' | head -n 20
    fi
fi
"""


def argv(
    interfaces: Iterable[str], guests: Iterable[str] = (), since: float | None = None
) -> tuple[str, ...]:
    """interfaces: their settings are read; guests: uuids of VMs here that are ours.

    since: a `log_stamp`; warnings after it are told.
    """
    stamp = "" if since is None else f"{since:.6f}"
    return ("sh", "-c", _SCRIPT, "look", stamp, " ".join(interfaces), " ".join(guests))


def parse(text: str, source: str) -> HostState:
    """Raises ParseError for an answer without kernel."""
    sections: dict[str, list[str]] = {}
    for block in text.split("@ ")[1:]:
        name, _, body = block.partition("\n")
        sections[name] = body.splitlines()
    world = _settings(sections.get("world", ()))
    if not world.get("kernel"):
        raise ParseError(source, "no kernel in it")
    try:
        stamp = [float(line) for line in sections.get("log", ())]
        carriers = tuple(int(line) for line in sections.get("carriers", ()))
    except ValueError as error:
        raise ParseError(source, f"not a number: {error}") from None
    warnings = sections.get("warnings")
    return HostState(
        settings=world,
        frequency=_settings(sections.get("frequency", ())),
        carriers=carriers,
        log_stamp=stamp[-1] if stamp else None,
        warnings=None if warnings is None else tuple(warnings),
    )


def _settings(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}
