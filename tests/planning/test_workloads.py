"""config/workloads.yaml: sets and names, settings that win, and mistakes with their lines."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.execution.capacity import at_rate
from tasks.execution.load import with_ports
from tasks.model.environment import Layer, Node
from tasks.model.errors import InputError, InputErrors
from tasks.model.facts import Cpu, Facts
from tasks.planning.workloads import absent_cpus, absent_loads, read_workloads
from tasks.programs.loads import LOADS


def test_a_set_and_a_name_give_workloads_in_the_files_order_once_each():
    names = [w.name for w in read_workloads(("pps_multi_udp", "quick", "latency_tcp_rr"))]
    assert names == ["throughput_single_tcp", "latency_tcp_rr", "pps_single_udp", "pps_multi_udp"]


def test_settings_win_over_the_file_and_streams_only_over_several():
    names = ("throughput_single_tcp", "pps_multi_udp")
    single, multi = read_workloads(names, window_s=3, warmup_s=0, streams=8, affinity="0,1")
    assert (single.streams, multi.streams) == (1, 8)
    assert (multi.window_s, multi.warmup_s, multi.affinity) == (3.0, 0.0, "0,1")
    assert (multi.program, multi.bandwidth, multi.length) == ("iperf3", "1G", 64)
    assert read_workloads(("latency_tcp_rr",))[0].program == "netperf"


def test_a_workload_may_name_another_load_program_of_its_kind(tmp_path, monkeypatch):
    monkeypatch.setitem(LOADS, "other", replace(LOADS["netperf"], kinds=("pps",)))
    path = tmp_path / "w.yaml"
    path.write_text(FILE.replace("tcp}", "tcp, program: other}"))
    assert read_workloads(("a",), file=path)[0].program == "other"
    path.write_text(FILE)
    assert read_workloads(("a",), file=path)[0].program == "iperf3"


def test_an_unknown_name_is_reported_with_those_it_may_mean():
    with pytest.raises(InputErrors) as raised:
        read_workloads(("quik", "bogus"))
    first, second = raised.value.errors
    assert (first.where, first.key) == ("measurement", "workloads")
    assert str(first) == (
        "measurement: workloads: unknown workload or set 'quik'; expected one of quick"
    )
    assert (
        "'bogus'; expected one of full, published, quick, demo, tails, load_sweep, throughput"
        in str(second)
    )


FILE = """\
window_s: 10
warmup_s: 1
workloads:
  a: {kind: pps, protocol: tcp}
sets:
  full: [a]
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("kind: pps", "kind: speed", "4: workloads.a.kind: is 'speed'; expected 'throughput', "),
        ("tcp}", "tcp, stream: 2}", "4: workloads.a.stream: unknown key; expected streams (did"),
        ("tcp}", "tcp, streams: 0}", "4: workloads.a.streams: is 0; expected load processes, 1 to"),
        (
            "tcp}",
            "tcp, program: dd}",
            "4: workloads.a.program: no pps load 'dd'; expected one of i",
        ),
        ("[a]", "[a, b]", "6: sets.full[1]: unknown workload 'b'; expected one of a"),
        ("warmup_s: 1", "window_s: 1", "2: window_s: is written twice, on lines 1 and 2"),
        ("window_s: 10", "window_s: ten", "1: window_s: is 'ten'; expected whole seconds"),
        ("sets:", "sets: @", "5: is not YAML"),
    ],
)
def test_a_mistake_in_the_file_is_reported_with_its_line(tmp_path, old, new, line):
    path = tmp_path / "w.yaml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(InputError) as raised:
        read_workloads(("full",), file=path)
    assert str(raised.value).splitlines()[0].startswith(f"{path}:{line}")


def test_a_load_is_not_pinned_to_a_cpu_that_its_node_does_not_have():
    client, server = (Node(name, Layer.HOST, name, "root", "/w") for name in ("c", "s"))
    facts = {"c": Facts(node="c", cpu=Cpu(cpus=2)), "s": Facts(node="s")}
    environment = SimpleNamespace(
        pairs={Layer.HOST: SimpleNamespace(client=client, server=server)}, facts=facts
    )

    def errors(affinity):
        return [str(error) for error in absent_cpus(read_workloads(affinity=affinity), environment)]

    assert errors("99,98") == ["measurement: affinity: c has no CPU 99; expected 0 to 1"]
    assert errors("1/98") == errors(None) == []


def test_a_load_program_that_a_node_lacks_is_named_before_anything_runs():
    client, server = (Node(name, Layer.HOST, name, "root", "/w") for name in ("c", "s"))
    facts = {"c": Facts(node="c", programs={"iperf3": "3.12", "netperf": None})}
    environment = SimpleNamespace(
        pairs={Layer.HOST: SimpleNamespace(client=client, server=server)}, facts=facts
    )
    errors = absent_loads(read_workloads(("full", "tail_udp")), environment)
    assert [str(error) for error in errors] == [
        "measurement: workloads: tail_udp needs sockperf, which c lacks; "
        "expected sockperf installed there, then bootstrap again"
    ]


def test_a_load_sweep_is_five_shares_of_what_the_baseline_holds():
    loads = read_workloads(("load_sweep",))
    assert [load.load_pct for load in loads] == [10, 25, 50, 75, 90]
    assert {(load.kind, load.program, load.length, load.bandwidth) for load in loads} == {
        ("load", "iperf3", 64, None)
    }


def test_beside_a_tail_workload_runs_a_load_that_outlasts_it():
    alone, *loaded = read_workloads(("tails",), window_s=6, affinity="1,0")
    assert (alone.beside, alone.loads) == (None, (alone,))
    assert [one.load_pct for one in loaded] == [10, 50, 90]
    beside = at_rate(loaded[1], 1000).beside
    assert beside is not None
    assert (beside.program, beside.protocol, beside.load_pct) == ("iperf3", "udp", 50)
    assert (beside.bandwidth, beside.length, beside.affinity) == ("512000", 64, None)
    assert beside.window_s > loaded[1].window_s
    assert with_ports(loaded[1], (7, 8)) == [(loaded[1], (7,)), (loaded[1].beside, (8,))]


def test_a_tail_workload_is_refused_where_its_sender_would_take_the_only_cpu():
    client, server = (Node(name, Layer.HOST, name, "root", "/w") for name in ("c", "s"))
    facts = {"c": Facts(node="c", cpu=Cpu(cpus=1)), "s": Facts(node="s", cpu=Cpu(cpus=1))}
    environment = SimpleNamespace(
        pairs={Layer.HOST: SimpleNamespace(client=client, server=server)}, facts=facts
    )
    assert [str(error) for error in absent_cpus(read_workloads(("tail_udp",)), environment)] == [
        "measurement: workloads: tail_udp needs a second CPU on c: its sender takes one; "
        "expected other workloads there"
    ]


@pytest.mark.parametrize(
    ("entry", "key", "problem"),
    [
        ("{kind: tail, protocol: udp}", "workloads.w", "has no requests_per_s"),
        ("{kind: start, protocol: udp, requests_per_s: 9}", "workloads.w", "has no starts"),
        ("{kind: pps, protocol: udp, starts: 5}", "workloads.w.starts", "is of no use here"),
        ("{kind: pps, protocol: tcp, requests_per_s: 5}", "workloads.w.requests_per_s",
         "expected a workload of kind tail or start"),
        ("{kind: tail, protocol: udp, load_pct: 50}", "workloads.w", "has no length"),
        ("{kind: load, protocol: udp, length: 64}", "workloads.w", "has no load_pct"),
        ("{kind: load, protocol: udp, load_pct: 50}", "workloads.w", "has no length"),
        (
            "{kind: load, protocol: tcp, length: 64, load_pct: 50}", "workloads.w.protocol",
            "a load workload sends at a rate whatever comes back",
        ),
        (
            "{kind: load, protocol: udp, length: 64, load_pct: 50, bandwidth: 1G}",
            "workloads.w.bandwidth", "the rate comes from load_pct",
        ),
        ("{kind: pps, protocol: udp, load_pct: 50}", "workloads.w.load_pct", "is of no use here"),
    ],
)  # fmt: skip
def test_a_wrong_load_workload_is_refused(tmp_path: Path, entry: str, key: str, problem: str):
    file = tmp_path / "workloads.yaml"
    file.write_text(f"window_s: 1\nwarmup_s: 0\nworkloads:\n  w: {entry}\nsets: {{}}\n")
    with pytest.raises((InputError, InputErrors)) as raised:
        read_workloads(("w",), file=file)
    assert key in str(raised.value) and problem in str(raised.value)
