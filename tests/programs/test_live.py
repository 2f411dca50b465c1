"""The argument lists are accepted by the programs of this machine, and their parsers read them."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

from tasks.model.plan import Workload
from tasks.programs import bpftool, iperf3, netperf, pidstat, sockperf

LOOPBACK = "127.0.0.1"


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"no {program} here")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(argv: tuple[str, ...]):
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)  # a probing connection would be taken for the client
        yield
    finally:
        server.terminate()
        server.wait()


def output(argv: tuple[str, ...], **env: str) -> str:
    return subprocess.run(
        argv, capture_output=True, text=True, timeout=20, env=dict(os.environ) | env
    ).stdout


@needs("iperf3")
@pytest.mark.parametrize(
    "workload",
    [
        Workload("t", "throughput", "iperf3", "tcp", window_s=1, affinity="0,0"),
        Workload("u", "pps", "iperf3", "udp", window_s=1, length=64, bandwidth="10M", streams=2),
    ],
)
def test_iperf3_runs_the_window_after_its_warmup(workload):
    port = free_port()
    with serving(iperf3.server_argv(port, LOOPBACK, version="3.12")):
        text = output(iperf3.client_argv(workload, LOOPBACK, port, streams_share=2))
    result = iperf3.parse_client(text, "live")
    assert (result.protocol, result.warmup_s, result.requested_s) == (workload.protocol, 1, 1)
    assert 0.9 < result.received_s < 2
    if workload.protocol == "udp":
        assert result.length == 64
        assert 0 < result.received_bps < 6e6  # half of 10M for this stream


@needs("netperf")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_netperf_reports_percentiles_and_its_rate(protocol):
    port = free_port()
    workload = Workload(f"latency_{protocol}_rr", "latency", "netperf", protocol, length=1)
    with serving(netperf.server_argv(port, LOOPBACK)):
        text = output(netperf.client_argv(workload, LOOPBACK, port, duration_s=1))
    trips = netperf.parse(text, "live")
    assert trips.p99_us is not None and trips.elapsed_s is not None
    assert trips.min_us <= trips.mean_us <= trips.max_us
    assert 0 < trips.busy_share <= 1.05


@needs("sockperf")
def test_sockperf_sends_on_its_schedule(tmp_path):
    port, log = free_port(), tmp_path / "sockperf.log"
    workload = Workload("tail_udp", "tail", "sockperf", "udp", window_s=2, requests_per_s=1000)
    with serving(sockperf.server_argv(port, LOOPBACK)):
        output((*sockperf.client_argv(workload, LOOPBACK, port), sockperf.OUTPUT_OPTION, str(log)))
    trips = sockperf.parse(log.read_text(), "live", warmup_s=1, window_s=2)
    assert (trips.requests, trips.answers) == (2000, 2000)
    assert trips.elapsed_s == pytest.approx(2)
    assert 0 < trips.p50_us < trips.p90_us < trips.max_us
    assert trips.p99_us is None  # 20 values beyond it


@needs("pidstat")
def test_pidstat_watches_this_process():
    started = time.time()
    text = output((*pidstat.argv((os.getpid(),), 1), "2"), **pidstat.ENV)
    rows = pidstat.parse(text, "live", started).rows
    assert [row.pid for row in rows] == [os.getpid()] * 2
    assert rows[0].rss_kib is not None
    assert 0 < rows[-1].epoch_s - started < 6


@needs("bpftool")
@pytest.mark.skipif(os.geteuid() != 0, reason="bpftool needs root")
def test_bpftool_lists_programs_links_and_hooks():
    bpftool.parse_programs(output(bpftool.prog_list_argv()), "live")
    bpftool.parse_links(output(bpftool.link_list_argv()), "live")
    bpftool.parse_net(output(bpftool.net_list_argv()), "live")
