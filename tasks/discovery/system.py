"""What kind of machine a node is: identity, processor, memory, kernel settings, programs, disk."""

import re
from pathlib import PurePosixPath

from ..model.errors import ParseError
from ..model.facts import Bpf, Cpu, Facts
from ..programs.sections import Sections

_SYSCTL = "/proc/sys/"
_VULNERABILITY = "/sys/devices/system/cpu/vulnerabilities/"
_PROGRAM = "program "
_GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"


def parse_machine(node: str, found: Sections) -> Facts:
    """What the `machine` probe's sections tell of a node. Raises ParseError."""
    hostname, kernel, arch = parse_identity(found.get("uname", ""))
    return Facts(
        node=node,
        hostname=hostname,
        kernel=kernel,
        arch=arch,
        distribution=distribution(found),
        cpu=_with_files(parse_cpu(found.get("cpu", "")), found),
        memory_mib=memory_mib(found),
        programs=programs(found),
        sysctls=sysctls(found),
        disk_free_mib=parse_df(found.get("df", "")),
    )


def parse_identity(text: str) -> tuple[str, str, str]:
    """`uname -n -r -m`: host name, kernel, architecture."""
    match text.split():
        case [hostname, kernel, arch]:
            return hostname, kernel, arch
    raise ParseError("uname", f"not three words: {text[:80]!r}")


def parse_cpu(text: str) -> Cpu:
    """lscpu's table, or /proc/cpuinfo where lscpu is not there (small guests)."""
    return _parse_lscpu(text) if "CPU(s):" in text else _parse_cpuinfo(text)


def _parse_cpuinfo(text: str) -> Cpu:
    cpus = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    if not cpus:
        raise ParseError("cpu", "neither lscpu's table nor /proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return Cpu(model=model[1].strip() if model else None, cpus=cpus)


def _parse_lscpu(text: str) -> Cpu:
    """lscpu's table in English. What a machine does not tell (ARM: the frequency) stays None."""
    table = {
        key.strip(): value.strip()
        for key, separator, value in (line.partition(":") for line in text.splitlines())
        if separator and value.strip() not in ("", "-")
    }
    return Cpu(
        model=table.get("Model name"),
        sockets=_int(table.get("Socket(s)")),
        cores_per_socket=_int(table.get("Core(s) per socket")),
        threads_per_core=_int(table.get("Thread(s) per core")),
        cpus=_int(table.get("CPU(s)")),
        numa_nodes=_int(table.get("NUMA node(s)")),
        mhz_min=_float(table.get("CPU min MHz")),
        mhz_max=_float(table.get("CPU max MHz")),
        virtualization=table.get("Virtualization") or table.get("Hypervisor vendor"),
    )


def distribution(found: Sections) -> str | None:
    """The distribution's name as it presents itself."""
    for line in found.get("/etc/os-release", "").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip().strip("\"'")
    return None


def memory_mib(found: Sections) -> int | None:
    """MemTotal of /proc/meminfo, in MiB."""
    match = re.search(r"^MemTotal:\s+(\d+) kB$", found.get("/proc/meminfo", ""), re.MULTILINE)
    return int(match[1]) // 1024 if match else None


def sysctls(found: Sections) -> dict[str, str]:
    """Settings by their dotted names, blanks between several values made one."""
    return {
        path.removeprefix(_SYSCTL).replace("/", "."): " ".join(value.split())
        for path, value in found.items()
        if path.startswith(_SYSCTL) and value
    }


def _with_files(cpu: Cpu, found: Sections) -> Cpu:
    """The processor with its governor and the mitigations that are on."""
    mitigations = {
        PurePosixPath(path).name: value
        for path, value in found.items()
        if path.startswith(_VULNERABILITY) and value != "Not affected"
    }
    return cpu.model_copy(
        update={"governor": found.get(_GOVERNOR) or None, "mitigations": mitigations}
    )


def parse_bpf(text: str, found: Sections) -> Bpf:
    """What the kernel offers, from the paths that exist.

    Without a mounted tracefs nothing can be said of kprobes and tracepoints: None.
    """
    there = set(text.split())
    tracing = any(path.endswith("/events") for path in there)
    jit = found.get("/proc/sys/net/core/bpf_jit_enable")
    return Bpf(
        btf="/sys/kernel/btf/vmlinux" in there,
        kprobes=any(path.endswith("/kprobe_events") for path in there) if tracing else None,
        tracepoints=True if tracing else None,
        stats="/proc/sys/kernel/bpf_stats_enabled" in found,
        jit=jit != "0" if jit else None,
    )


_VERSION = re.compile(r"(?<![A-Za-z0-9.])(?:v|ss)?(\d+(?:\.\w+)*)")


def programs(found: Sections) -> dict[str, str | None]:
    """Versions by program; None where it is there and does not tell (busybox, old builds)."""
    versions: dict[str, str | None] = {}
    for title, told in found.items():
        if title.startswith(_PROGRAM):
            match = _VERSION.search(told.partition("\n")[0])
            versions[title.removeprefix(_PROGRAM)] = match[1] if match else None
    return versions


def parse_df(text: str) -> int:
    """Free MiB of `df -Pk DIR`."""
    lines = text.splitlines()
    fields = lines[-1].split() if len(lines) >= 2 else []
    if len(fields) < 6 or not fields[-3].isdigit():
        raise ParseError("workdir", text.partition("\n")[0] or "df told nothing")
    return int(fields[-3]) // 1024


def _int(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _float(text: str | None) -> float | None:
    match = re.match(r"\d+(\.\d+)?", text or "")
    return float(match[0]) if match else None
