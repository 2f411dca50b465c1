"""Faults of tools: they die, hang, daemonise, attach nothing, leave residue, or flood their log."""

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.execution import session as campaigns
from tasks.model.bilingual import same
from tasks.model.errors import HostNotClean
from tasks.reading import native
from tasks.storage.run_folder import RunFolder

from .fault_bench import (
    ATTACHING,
    BASELINE,
    SERVER,
    Bench,
    cells,
    drive,
    final_states,
    load,
    placebo,
    signal_to,
    tool,
    until,
)

pytestmark = pytest.mark.lab


async def measured_while_bpftrace_is_killed(bench: Bench, folder: Path) -> None:
    """Measures both slots of the run; kills bpftrace a second into the first load of the second."""
    async with bench.held(folder) as campaign:
        first, second = campaign.left()
        await campaign.run(first)
        measuring = asyncio.create_task(campaign.run(second))
        await until(lambda: len(bench.processes("iperf3")) >= 2, 20)
        await asyncio.sleep(1)
        signal_to(bench.processes("bpftrace"), signal.SIGKILL)
        await measuring


async def test_a_tool_that_dies_during_the_window_invalidates_the_cell(bench: Bench):
    dying = tool(1, ATTACHING, "dying", programs=2)
    folder = bench.lay_out([BASELINE, dying], [load(window_s=3), load("pps_single_tcp")])
    await measured_while_bpftrace_is_killed(bench, folder)
    rows = cells(folder).filter(case="dying").select("attempt", "status", "gate").rows()
    assert rows == [(1, "invalid", "tool_alive"), (2, "passed", None)] * 2


async def test_a_tool_whose_worker_dies_while_its_wrapper_lives_invalidates_the_cell(bench: Bench):
    wrapped = f"{ATTACHING.removeprefix('exec ')} & while :; do sleep 0.1; done"
    folder = bench.lay_out([BASELINE, tool(1, wrapped, "wrapped", programs=2)], [load(window_s=3)])
    await measured_while_bpftrace_is_killed(bench, folder)
    rows = cells(folder).filter(case="wrapped").select("attempt", "status", "gate", "reason")
    assert [row[:3] for row in rows.rows()] == [(1, "invalid", "tool_alive"), (2, "passed", None)]
    assert "2 of its 2 BPF programs are no longer loaded" in rows["reason"][0]


@pytest.mark.parametrize(
    ("script", "gate", "printed"),
    [
        ("echo no BTF in this kernel >&2; exit 3", "tool_alive", "no BTF in this kernel"),
        ("echo going away >&2; setsid -f sleep 300; exit 0", "tool_alive", "going away"),
        ("echo waiting for Godot >&2; exec sleep 300", "probes_attached", "waiting for Godot"),
    ],
    ids=["ends", "forks away", "attaches nothing"],
)
async def test_a_tool_that_never_attaches_fails_with_its_output(
    bench: Bench, script: str, gate: str, printed: str
):
    folder = bench.lay_out([BASELINE, tool(1, script, "broken", within_s=2), BASELINE], [load()])
    async with bench.held(folder) as campaign:
        for slot in campaign.left():
            await campaign.run(slot)
            assert not bench.processes("sleep 300"), "the tool still runs during the next baseline"
    last = cells(folder).filter(case="broken").row(-1, named=True)
    assert (last["status"], last["gate"]) == ("invalid", gate)
    assert printed in last["reason"]
    assert final_states(folder)["baseline", "throughput_single_tcp"] == "passed"


async def test_a_tool_that_attaches_other_probes_than_its_catalogue_names_fails(bench: Bench):
    other = replace(tool(1, ATTACHING, "other", programs=2), expected_probes=("kprobe",))
    folder = bench.lay_out([BASELINE, other], [load()])
    await bench.measure(folder)
    last = cells(folder).filter(case="other").row(-1, named=True)
    assert (last["status"], last["gate"]) == ("invalid", "probes_attached")
    assert last["reason"] == "other: no kprobe among its 2 BPF programs (perf_event, tracepoint)"


async def test_a_probe_that_the_kernel_lacks_is_named_and_the_tool_not_tried_again(bench: Bench):
    script = "exec bpftrace -e 'tracepoint:net:netif_receive_skbs { @ = count(); }'"
    lacking = tool(1, script, "lacking", within_s=20)
    folder = bench.lay_out([BASELINE, lacking, BASELINE, lacking], [load()])
    async with bench.held(folder) as session:
        for slot in session.left():
            await session.run(slot)
        assert set(session.site.unattachable) == {"lacking host"}
    rows = cells(folder).filter(case="lacking")
    assert set(rows.select("attempt", "status", "gate").rows()) == {(1, "invalid", "attachable")}
    assert rows["position"].to_list() == [1, 3]
    for reason in rows["reason"]:
        assert "has no tracepoint net:netif_receive_skbs; it has net:netif_receive_skb" in reason
    outputs = list(folder.rglob("ebpf_stderr_*"))
    assert len(outputs) == 1, "the second slot did not start it"


PINNING = (
    "bpftrace measurement-tools/lab/packet-path/rx_size_histogram.bt lo & bpf=$!; "
    "trap 'kill $bpf; exit' TERM; "
    "until id=$(grep -hs prog_id: /proc/$bpf/fdinfo/* | head -n 1 | tr -dc 0-9); "
    '[ "$id" ]; do sleep 0.1; done; '
    "bpftool prog pin id $id /sys/fs/bpf/left_by_a_tool; wait $bpf"
)


async def test_the_next_baseline_waits_until_residue_is_gone(bench: Bench):
    folder = bench.lay_out([BASELINE, tool(1, PINNING, "pinning", programs=2), BASELINE], [load()])
    outcomes = folder / "outcomes.jsonl"

    async def clean_up() -> None:
        await until(lambda: outcomes.exists() and "left_by_a_tool" in outcomes.read_text(), 40)
        await asyncio.sleep(2)
        assert len(outcomes.read_text().splitlines()) == 3, (
            "a cell was measured before the residue was gone"
        )
        bench.inside(SERVER, "rm", "/sys/fs/bpf/left_by_a_tool")

    async with bench.held(folder) as campaign:
        cleaning = asyncio.create_task(clean_up())
        for slot in campaign.left():
            await campaign.run(slot)
        await cleaning
    states = final_states(folder)
    assert states["pinning", "throughput_single_tcp"] == "invalid clean_after"
    assert states["baseline", "throughput_single_tcp"] == "passed"


async def test_a_host_that_does_not_become_clean_is_named_and_no_longer_measured(
    bench: Bench, monkeypatch
):
    monkeypatch.setattr(campaigns, "_RESIDUE_GONE_WITHIN_S", 1.0)
    async with bench.held(bench.lay_out([BASELINE], [load()])) as campaign:
        device = campaign.site.pair(campaign.left()[0].layer).server_interface
        campaign.skip(campaign.left(), same("only to learn the interface"))
    leaving = tool(1, f"tc qdisc add dev {device} clsact; {ATTACHING}", "leaving", programs=2)
    folder = bench.lay_out([BASELINE, leaving, BASELINE], [load()])
    try:
        async with bench.held(folder) as campaign:
            first, second, third = campaign.left()
            await campaign.run(first)
            with pytest.raises(HostNotClean, match=f"{SERVER}.*leaving.*clsact"):
                await campaign.run(second)
            campaign.skip([second, third], same("host not clean"))
        async with bench.held(folder) as campaign:  # as when the run is resumed
            with pytest.raises(HostNotClean, match=f"{SERVER}.*leaving.*clsact"):
                await campaign.run(campaign.left()[0])
            campaign.skip(campaign.left(), same("host not clean"))
    finally:
        bench.inside(SERVER, "tc", "qdisc", "del", "dev", device, "clsact")
    rows = cells(folder).select("position", "status", "gate", "reason").rows()
    assert [row[1:3] for row in rows] == [
        ("passed", None),
        ("invalid", "clean_after"),
        ("skipped", None),
    ]
    assert rows[2][3] == "host not clean"


FLOOD = "sh -c 'while :; do head -c 1000000 /dev/zero | tr \"\\\\0\" x; sleep 0.55; done'"


@pytest.mark.parametrize("to", ["output", "stderr"])
async def test_the_output_of_a_flooding_tool_is_measured_but_not_transferred(bench: Bench, to: str):
    flood = FLOOD if to == "output" else FLOOD.replace("sh -c '", "sh -c 'echo begun; exec >&2; ")
    folder = bench.lay_out(
        [BASELINE, placebo(1, flood, "flood")], [load(window_s=5)], log_cap_mib=2
    )
    driven = drive(folder)
    out, err = await asyncio.to_thread(lambda: driven.communicate(timeout=90))
    assert driven.returncode == 0, err
    assert set(final_states(folder).values()) == {"passed"}
    samples = native.read_environment(RunFolder(folder)).samples
    rate = samples.filter(case="flood", metric="log_mib_per_min")["value"].item()
    assert 50 < rate < 130
    (kept,) = folder.rglob(f"ebpf_{to}_*.log")  # the output since it was last emptied
    assert kept.stat().st_size <= 2**20
    assert int(out.split("peak_mib")[1]) < 200
