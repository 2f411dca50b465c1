"""Scalars of a load, from recorded output of its programs."""

from dataclasses import replace

import pytest

from tasks.programs import iperf3, netperf
from tasks.programs.loads import LOADS
from tasks.reading.cell_load import READERS
from tasks.reading.load_scalars import iperf3_samples, netperf_samples

from ..paths import DATA


def client(name: str) -> iperf3.ClientResult:
    return iperf3.parse_client((DATA / "iperf3" / f"{name}.json").read_text(), name)


def values(results, kind: str, length: int | None = None) -> dict[str, float | None]:
    samples = iperf3_samples(results, kind, length, "server", "client")
    return {sample.metric: sample.value for sample in samples}


def test_every_load_program_has_a_reader():
    assert READERS.keys() == LOADS.keys()


def test_processes_of_one_test_are_summed():
    one, two = client("tcp_single"), client("tcp_two_streams")
    assert values([one, two], "throughput") == {
        "throughput_bps": one.received_bps + two.received_bps,
        "retransmits": one.retransmits + two.retransmits,
    }


def test_retransmits_are_missing_if_one_process_did_not_report_them():
    one = client("tcp_single")
    assert values([one, replace(one, retransmits=None)], "throughput")["retransmits"] is None


def test_writes_per_s_need_the_length_of_a_write():
    one = client("tcp_write64")
    assert values([one], "pps", 64)["writes_per_s"] == one.received_bps / 512
    assert "writes_per_s" not in values([one], "pps", None)


def test_lost_datagrams_are_a_share_of_those_sent():
    one = client("udp_lossy")
    found = values([one, one], "pps", 64)
    assert found["datagrams_per_s"] == 2 * one.datagrams / one.received_s
    assert found["lost_pct"] == pytest.approx(100 * one.lost / (one.lost + one.datagrams))
    assert values([replace(one, datagrams=0, lost=0)], "pps")["lost_pct"] is None


def test_a_column_that_netperf_did_not_print_gives_no_sample():
    trips = netperf.parse((DATA / "netperf/short.txt").read_text(), "short")
    metrics = [sample.metric for sample in netperf_samples(trips, "client")]
    assert metrics == ["latency_mean_us", "latency_min_us", "latency_max_us"]
