"""Runs inside a machine on the instruction clock: windows without and with a probe of known length.

Standard library only: it is sent to the machine and started once, so that nothing of the
orchestrator falls into a window. Prints one JSON document at its end.

    python3 - '{"sequence": [null, 0, null, 100, null], "windows": 3, "loads": ["tcp_rr"]}'

An entry of `sequence` is a phase of `windows` windows: null without a probe; a number N: with a
kprobe program on `ip_rcv` of N instructions `r0 += 1`, one x86 instruction each after the JIT; a
text: with that bpftrace program.
"""

import ctypes
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FUNCTION = "ip_rcv"
_SYS_BPF, _SYS_PERF_EVENT_OPEN, _SYS_IOCTL = 321, 298, 16  # x86-64
_PROG_LOAD, _PROG_TYPE_KPROBE = 5, 2
_IOC_SET_BPF, _IOC_ENABLE = 0x40042408, 0x2400
_FD_CLOEXEC = 8  # PERF_FLAG_FD_CLOEXEC
_LIBC = ctypes.CDLL(None, use_errno=True)

_CLIENT, _SERVER, _ADDRESS = "cost-a", "cost-b", "10.99.7.2"
_SECONDS = 1

Entry = int | str | None


def _syscall(number: int, *arguments: Any) -> int:
    result: int = _LIBC.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _instruction(code: int, immediate: int = 0) -> bytes:
    """One on r0, as in linux/bpf.h's struct bpf_insn."""
    return struct.pack("<BBhi", code, 0, 0, immediate)


def _load(instructions: int) -> int:
    """A kprobe program of this many additions; its file descriptor."""
    mov, add, leave = _instruction(0xB7), _instruction(0x07, 1), _instruction(0x95)
    code = mov + add * instructions + mov + leave
    buffer, license = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack(
        "<IIQQIIQII", _PROG_TYPE_KPROBE, len(code) // 8, ctypes.addressof(buffer),
        ctypes.addressof(license), 0, 0, 0, 0, 0,
    )  # fmt: skip
    return _syscall(_SYS_BPF, _PROG_LOAD, attributes, len(attributes))


@contextmanager
def _padded_probe(instructions: int) -> Iterator[None]:
    """The program attached by perf_event_open, as the tools' libraries do it."""
    kind = int(Path("/sys/bus/event_source/devices/kprobe/type").read_text())
    name = ctypes.create_string_buffer(_FUNCTION.encode())
    attributes = struct.pack(
        "<IIQQQQQIIQQ", kind, 112, 0, 0, 0, 0, 0, 0, 0, ctypes.addressof(name), 0
    ).ljust(112, b"\0")
    program = _load(instructions)
    event = _syscall(_SYS_PERF_EVENT_OPEN, attributes, -1, 0, -1, _FD_CLOEXEC)
    _syscall(_SYS_IOCTL, event, _IOC_SET_BPF, program)
    _syscall(_SYS_IOCTL, event, _IOC_ENABLE, 0)
    try:
        yield
    finally:
        os.close(event)
        os.close(program)


@contextmanager
def _bpftrace(program: str) -> Iterator[None]:
    """It is attached once its BEGIN has printed, which bpftrace runs last."""
    printing = program + ' BEGIN { printf("attached\\n"); }'
    tool = subprocess.Popen(("bpftrace", "-e", printing), stdout=subprocess.PIPE, text=True)
    assert tool.stdout is not None
    try:
        while "attached" not in tool.stdout.readline():
            if tool.poll() is not None:
                raise RuntimeError(f"bpftrace ended with {tool.returncode}")
        time.sleep(1)
        yield
    finally:
        tool.terminate()
        tool.communicate()


@contextmanager
def _probe(entry: Entry) -> Iterator[None]:
    if entry is None:
        yield
        return
    with _bpftrace(entry) if isinstance(entry, str) else _padded_probe(entry):
        yield


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _network() -> None:
    for name in (_CLIENT, _SERVER):
        _run("ip", "netns", "add", name)
    _run("ip", "link", "add", "va", "netns", _CLIENT, "type", "veth", "peer", "vb",
         "netns", _SERVER)  # fmt: skip
    for name, device, address in ((_CLIENT, "va", "10.99.7.1"), (_SERVER, "vb", _ADDRESS)):
        _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", device)
        for each in (device, "lo"):
            _run("ip", "-n", name, "link", "set", each, "up")


def _in(namespace: str, *argv: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", namespace, *argv)


def _rr(protocol: str) -> float:
    """Transactions per second."""
    text = _run(*_in(
        _CLIENT, "netperf", "-H", _ADDRESS, "-4", "-t", f"{protocol}_RR", "-l", str(_SECONDS),
        "--", "-r", "1,1", "-o", "TRANSACTION_RATE",
    ))  # fmt: skip
    return float(text.splitlines()[-1])


def _iperf3(*options: str) -> dict[str, Any]:
    argv = ("iperf3", "-c", _ADDRESS, "-t", str(_SECONDS), "-i", "0", "-J", *options)
    found: dict[str, Any] = json.loads(_run(*_in(_CLIENT, *argv)))["end"]
    return found


def _throughput() -> float:
    return float(_iperf3("-l", "32768")["sum_received"]["bits_per_second"])


def _pps() -> float:
    total = _iperf3("-u", "-l", "64", "-b", "1G")["sum"]
    return float((total["packets"] - total["lost_packets"]) / total["seconds"])


LOADS: dict[str, Callable[[], float]] = {
    "tcp_rr": lambda: _rr("TCP"),
    "udp_rr": lambda: _rr("UDP"),
    "throughput": _throughput,
    "pps": _pps,
}


def main() -> None:
    wanted = json.loads(sys.argv[1])
    loads = wanted.get("loads") or list(LOADS)
    _network()
    servers = [
        subprocess.Popen(_in(_SERVER, *argv), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for argv in (("netserver", "-D", "-4"), ("iperf3", "-s", "-4"))
    ]
    rows: list[dict[str, Any]] = []
    try:
        time.sleep(1)
        for load in loads:
            LOADS[load]()  # caches and neighbours, once
        for phase, entry in enumerate(wanted["sequence"]):
            with _probe(entry):
                rows += [
                    {"phase": phase, "probe": entry, "load": load, "value": LOADS[load]()}
                    for load in loads
                    for _ in range(wanted["windows"])
                ]
    finally:
        for server in servers:
            server.terminate()
            server.wait()
        for name in (_CLIENT, _SERVER):
            _run("ip", "netns", "delete", name)
    print(json.dumps({"kernel": os.uname().release, "rows": rows}))


if __name__ == "__main__":
    main()
