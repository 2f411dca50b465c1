"""What became of a tool's events, on the lab: datagrams counted by the interface, and a tool that
reports them all, one that loses most in its buffer, and one whose map is full."""

import shlex
from pathlib import Path

import pytest

from tasks.model.environment import Layer
from tasks.model.plan import Case, CaseKind, Events, PacketDirection, Readiness, Workload
from tasks.reading import native
from tasks.storage.run_folder import RunFolder

from .fault_bench import BASELINE, SERVER, Bench, final_states, placebo

pytestmark = pytest.mark.lab

# In one network namespace: the tracepoint sees every lab of the machine.
RECEIVED = (
    "tracepoint:net:netif_receive_skb "
    '/str(args->name) == "test0" && '
    "((struct sk_buff *)args->skbaddr)->dev->nd_net.net->ns.inum == {space}/"
)
PRINTED = Events("^event ", PacketDirection.RX)
PACKETS = 5  # of others (ARP), at both ends of the account


def datagrams(rate: str) -> Workload:
    return Workload(
        "pps", "pps", "iperf3", "udp", window_s=2.0, warmup_s=0, bandwidth=rate, length=64
    )


def watching(bench: Bench, body: str, events: Events | None, **env: str) -> Case:
    link = Path(f"/proc/{bench.pid(SERVER)}/ns/net").readlink()
    space = str(link).removeprefix("net:[").removesuffix("]")
    program = f"{RECEIVED.format(space=space)} {{ {body} }}"
    command = shlex.join(("bpftrace", "-e", program))
    return Case(
        1, "watching", CaseKind.TOOL, Layer.HOST, command, tool="watching", env=env,
        readiness=Readiness(programs=1, deadline_s=20), events=events,
    )  # fmt: skip


async def account(bench: Bench, case: Case, rate: str = "10M") -> dict[str, object]:
    """The row of `completeness` of one cell with this tool."""
    folder = bench.lay_out([BASELINE, case], [datagrams(rate)])
    await bench.measure(folder)
    assert set(final_states(folder).values()) == {"passed"}
    return native.read_environment(RunFolder(folder)).completeness.row(0, named=True)


async def test_a_tool_that_prints_every_packet_has_lost_none(bench: Bench):
    row = await account(bench, watching(bench, 'printf("event %d\\n", args->len);', PRINTED), "2M")
    assert row["occurred"] > 5000
    assert abs(row["occurred"] - row["reported"]) <= PACKETS
    assert (row["lost"], row["missed"]) == (0, 0)
    assert row["lost_high_pct"] < 0.1


async def test_what_a_tiny_buffer_loses_is_what_the_interface_counted_beyond_the_lines(
    bench: Bench,
):
    body = 'printf("event %s\\n", kstack(12));'
    tool = watching(bench, body, PRINTED, BPFTRACE_PERF_RB_PAGES="1")
    row = await account(bench, tool, "60M")
    assert row["lost"] > 1000
    # the last losses of a CPU are announced with its next event
    assert row["unknown"] <= 0.02 * row["occurred"]
    assert row["occurred"] - row["reported"] - row["lost"] == pytest.approx(
        row["unknown"], abs=PACKETS
    )
    assert row["lost_low_pct"] > 1


async def test_keys_that_a_full_map_refused_are_not_visible(bench: Bench):
    row = await account(
        bench, watching(bench, "@seen[nsecs] = 1;", None, BPFTRACE_MAP_KEYS_MAX="16")
    )
    assert row["full_maps"] == 1
    assert (row["lost_low_pct"], row["lost_high_pct"], row["unknown"]) == (None, None, None)


async def test_histograms_sum_up_to_the_packets_but_for_those_cleared_unprinted(bench: Bench):
    events = Events(r"^\[[^)]*[])]", PacketDirection.RX, sums=True, every_s=1)
    body = "@bytes = hist(args->len); } interval:s:1 { print(@bytes); clear(@bytes);"
    row = await account(bench, watching(bench, body, events))
    assert row["reported"] <= row["occurred"] + PACKETS
    assert row["unknown"] <= 0.02 * row["occurred"]


async def test_a_count_in_the_kernel_loses_nothing_whatever_its_output_is(bench: Bench):
    row = await account(bench, watching(bench, "@n = count();", None))
    assert (row["occurred"], row["reported"], row["unknown"]) == (None, None, None)
    assert (row["lost"], row["missed"], row["lost_high_pct"]) == (0, 0, 0)


async def test_a_placebo_has_no_events(bench: Bench):
    folder = bench.lay_out([BASELINE, placebo(1)], [datagrams("1M")])
    await bench.measure(folder)
    assert native.read_environment(RunFolder(folder)).completeness.is_empty()
