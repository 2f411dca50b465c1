"""The attribution pass: runs and time of the tool's BPF programs, as counted by the kernel.

`kernel.bpf_stats_enabled` costs about 20 ns per program run, so it is on only here, outside all
windows. The load is paced below saturation, which makes the figures steady. They exclude the
dispatch of the probe itself.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ..model.environment import Pair
from ..model.errors import ParseError
from ..model.outcome import BpfProgram
from ..model.plan import Design, Workload
from ..programs import bpftool, proc
from ..storage.rawtree import Attribution
from . import load
from .bpf import Counted, programs_of
from .shell import Shell
from .tool import StartedTool, trees

_SWITCH = "/proc/sys/kernel/bpf_stats_enabled"


def paced(design: Design, affinity: str | None) -> Workload:
    """The load of the pass: 64-byte datagrams at a fixed rate, pinned like the measured loads."""
    return Workload(
        name="attribution",
        kind="pps",
        program="iperf3",
        protocol="udp",
        window_s=design.attribution_s,
        warmup_s=0,
        bandwidth=design.attribution_rate,
        length=64,
        affinity=affinity,
    )


async def measure(
    sides: dict[str, Shell],
    pair: Pair,
    workload: Workload,
    tools: Sequence[StartedTool],
    ports: tuple[int, ...],
    folders: dict[str, str],
) -> Attribution:
    """Counts the runs and time of the tools' programs under one paced load. Raises RemoteError."""
    host = sides["tool_host"]
    pids = await trees(host, tools)
    async with _counting(host):
        servers = await load.start_servers(
            sides["server"], pair, workload, ports, folders["server"]
        )
        before, packets_before, start_s = await _read_counters(host, pair, pids)
        clients = await load.start_clients(
            sides["client"], pair, workload, ports, folders["client"]
        )
        await load.finish([*clients, *servers], load.deadline_s(workload) * host.pace)
        after, packets_after, end_s = await _read_counters(host, pair, pids)
    names, probes = await _names(host), await _probes(host)
    duration_s = end_s - start_s
    packets = (
        None if packets_before is None or packets_after is None else packets_after - packets_before
    )
    programs = tuple(
        BpfProgram(
            node=host.node.name,
            program_id=id,
            name=names.get(id, ""),
            type=now.type,
            tag=now.tag,
            probe=probes.get(id),
            run_cnt=_grown(now.run_cnt, before[id].run_cnt) if id in before else now.run_cnt,
            run_time_ns=(
                _grown(now.run_time_ns, before[id].run_time_ns) if id in before else now.run_time_ns
            ),
            packets=packets,
            duration_s=duration_s,
        )
        for id, now in sorted(after.items())
    )
    return Attribution(programs, packets, duration_s, workload.bandwidth or "")


def _grown(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


@asynccontextmanager
async def _counting(host: Shell) -> AsyncIterator[None]:
    """The kernel counts in the body. Switched off again afterwards, even if we lose the host."""
    before = await host.run(("cat", _SWITCH), check=False)
    if before.status != 0 or before.stdout.strip() != "0":  # kernel before 5.1, or on already
        yield
        return
    await host.undo("bpf_stats", ("sh", "-c", f"echo 0 >{_SWITCH}"))
    await host.run(("sh", "-c", f"echo 1 >{_SWITCH}"))
    try:
        yield
    finally:
        await host.run(("sh", "-c", f"echo 0 >{_SWITCH}"))
        await host.undone("bpf_stats")


async def _read_counters(
    host: Shell, pair: Pair, pids: tuple[int, ...]
) -> tuple[dict[int, Counted], int | None, float]:
    """The programs' counters, the test interface's packet count, the host's uptime in seconds."""
    answer = await host.run(("cat", "/proc/uptime", "/proc/net/dev"))
    uptime, _, net = answer.stdout.partition("\n")
    source = f"{host.node.name}: /proc/net/dev"
    counters = proc.parse_net_dev(net, source).get(pair.server_interface)
    packets = None if counters is None else counters.rx_packets + counters.tx_packets
    return await programs_of(host, pids), packets, proc.parse_uptime(uptime, source)


async def _names(host: Shell) -> dict[int, str]:
    answer = await host.run(bpftool.prog_list_argv(), check=False)
    try:
        return {p.id: p.name for p in bpftool.parse_programs(answer.stdout, "bpftool prog")}
    except ParseError:  # no bpftool on the host: the programs stay unnamed
        return {}


async def _probes(host: Shell) -> dict[int, str]:
    """Program id -> the kind of its probe, as far as bpftool knows it."""
    perf = await host.run(bpftool.perf_list_argv(), check=False)
    links = await host.run(bpftool.link_list_argv(), check=False)
    try:
        return bpftool.parse_probes(perf.stdout, links.stdout, "bpftool perf, link")
    except ParseError:
        return {}
