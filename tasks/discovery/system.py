"""What machine a node is: identity, processor, memory, kernel settings, programs, disk."""

import re
from pathlib import PurePosixPath

from ..model.errors import ParseError
from ..model.facts import Bpf, Cpu, Facts
from ..programs.sections import Sections
from .regex import first_group

_SYSCTL = "/proc/sys/"
_VULNERABILITY = "/sys/devices/system/cpu/vulnerabilities/"
_PROGRAM = "program "
_GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"


def parse_machine(node: str, found: Sections) -> Facts:
    """A node's facts from the sections of its `machine` probe. Raises ParseError."""
    hostname, kernel, arch = parse_identity(found.get("uname", ""))
    memory_kib = first_group(r"^MemTotal:\s+(\d+) kB$", found.get("/proc/meminfo", ""))
    mitigations = {
        PurePosixPath(path).name: value
        for path, value in found.items()
        if path.startswith(_VULNERABILITY) and value != "Not affected"
    }
    sysctls = {
        path.removeprefix(_SYSCTL).replace("/", "."): " ".join(value.split())
        for path, value in found.items()
        if path.startswith(_SYSCTL) and value
    }
    return Facts(
        node=node,
        hostname=hostname,
        kernel=kernel,
        arch=arch,
        distribution=first_group(
            r"^PRETTY_NAME=[\"']?(.*?)[\"']?\s*$", found.get("/etc/os-release", "")
        ),
        cpu=parse_cpu(found.get("cpu", "")).model_copy(
            update={"governor": found.get(_GOVERNOR) or None, "mitigations": mitigations}
        ),
        memory_mib=int(memory_kib) // 1024 if memory_kib else None,
        programs=programs(found),
        sysctls=sysctls,
        disk_free_mib=parse_df(found.get("df", "")),
    )


def parse_identity(text: str) -> tuple[str, str, str]:
    """`uname -n -r -m`: host name, kernel, architecture. Raises ParseError."""
    match text.split():
        case [hostname, kernel, arch]:
            return hostname, kernel, arch
    raise ParseError("uname", f"not three words: {text[:80]!r}")


def parse_cpu(text: str) -> Cpu:
    """lscpu's table, or /proc/cpuinfo where lscpu is missing (small guests). Raises ParseError."""
    return _parse_lscpu(text) if "CPU(s):" in text else _parse_cpuinfo(text)


def _parse_cpuinfo(text: str) -> Cpu:
    cpus = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    if not cpus:
        raise ParseError("cpu", "neither lscpu's table nor /proc/cpuinfo")
    return Cpu(model=first_group(r"^model name\s*:\s*(.+?)\s*$", text), cpus=cpus)


def _parse_lscpu(text: str) -> Cpu:
    """lscpu's table in English. A row that a machine lacks (ARM: the frequency) is None."""
    table = {
        key.strip(): value.strip()
        for key, separator, value in (line.partition(":") for line in text.splitlines())
        if separator and value.strip() not in ("", "-")
    }

    def count(key: str) -> int | None:
        return int(table[key]) if table.get(key, "").isdigit() else None

    def mhz(key: str) -> float | None:
        digits = first_group(r"^(\d+(?:\.\d+)?)", table.get(key, ""))
        return float(digits) if digits else None

    return Cpu(
        model=table.get("Model name"),
        sockets=count("Socket(s)"),
        cores_per_socket=count("Core(s) per socket"),
        threads_per_core=count("Thread(s) per core"),
        cpus=count("CPU(s)"),
        numa_nodes=count("NUMA node(s)"),
        mhz_min=mhz("CPU min MHz"),
        mhz_max=mhz("CPU max MHz"),
        virtualization=table.get("Virtualization") or table.get("Hypervisor vendor"),
    )


def parse_bpf(text: str, found: Sections) -> Bpf:
    """What the kernel offers, from the paths that exist.

    kprobes and tracepoints are unknown (None) where no tracefs is mounted.
    """
    paths = set(text.split())
    tracing = any(path.endswith("/events") for path in paths)
    jit = found.get("/proc/sys/net/core/bpf_jit_enable")
    return Bpf(
        btf="/sys/kernel/btf/vmlinux" in paths,
        kprobes=any(path.endswith("/kprobe_events") for path in paths) if tracing else None,
        tracepoints=True if tracing else None,
        stats="/proc/sys/kernel/bpf_stats_enabled" in found,
        jit=jit != "0" if jit else None,
    )


_VERSION = r"(?<![A-Za-z0-9.])(?:v|ss)?(\d+(?:\.\w+)*)"


def programs(found: Sections) -> dict[str, str | None]:
    """Versions by program; None for one that does not state its version (busybox, old builds)."""
    return {
        title.removeprefix(_PROGRAM): first_group(_VERSION, output.partition("\n")[0])
        for title, output in found.items()
        if title.startswith(_PROGRAM)
    }


def parse_df(text: str) -> int:
    """Free MiB from `df -Pk DIR`. Raises ParseError."""
    lines = text.splitlines()
    fields = lines[-1].split() if len(lines) >= 2 else []
    if len(fields) < 6 or not fields[-3].isdigit():
        raise ParseError("workdir", text.partition("\n")[0] or "df printed nothing")
    return int(fields[-3]) // 1024
