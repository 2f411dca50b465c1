"""netperf: what its output means. Recordings: tests/data/netperf/README.md."""

import pytest

from tasks.model.errors import ParseError
from tasks.model.plan import Workload
from tasks.programs import netperf

TCP_RR = Workload("latency_tcp_rr", "latency", "netperf", "tcp", window_s=5, affinity="0/1")


def test_the_full_selection_reads_by_its_header(recorded):
    found = netperf.parse(recorded("netperf/tcp_rr.txt"), "x")
    assert found == netperf.RoundTrips(
        mean_us=100.39, min_us=25, max_us=2412, p50_us=64, p90_us=103, p99_us=1134,
        stddev_us=173.07, transactions_per_s=9953.336, elapsed_s=2.0,
    )  # fmt: skip


def test_the_published_short_form_leaves_the_rest_missing(recorded):
    found = netperf.parse(recorded("netperf/short.txt"), "x")
    assert found == netperf.RoundTrips(mean_us=22.61, min_us=6, max_us=2235)
    assert found.busy_share is None


def test_a_stalled_udp_test_shows_in_the_busy_share_alone(recorded):
    whole = netperf.parse(recorded("netperf/udp_rr.txt"), "x")
    stalled = netperf.parse(recorded("netperf/udp_rr_stalled.txt"), "x")
    assert stalled.elapsed_s == 3.0
    assert whole.busy_share == pytest.approx(1, abs=0.01)
    assert stalled.busy_share < 0.25


def test_sending_again_after_a_second_bounds_the_stall(recorded):
    retried = netperf.parse(recorded("netperf/udp_rr_retried.txt"), "x")
    assert retried.busy_share == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("refused", "could not establish"),
        ("server_killed", "no latencies"),
        ("classic", "no latencies"),
    ],
)
def test_output_without_latencies_is_refused_and_quoted(recorded, name, reason):
    with pytest.raises(ParseError, match=reason):
        netperf.parse(recorded(f"netperf/{name}.txt"), "x")


@pytest.mark.parametrize("name", ["tcp_rr", "short"])
def test_every_truncation_is_refused(recorded, name):
    whole = recorded(f"netperf/{name}.txt")
    for cut in range(len(whole)):
        with pytest.raises(ParseError):
            netperf.parse(whole[:cut], "cut")


@pytest.mark.parametrize("value", ["nan", "inf", "-3", "", "0", "abc"])
def test_a_mean_that_is_no_time_is_refused(recorded, value):
    with pytest.raises(ParseError):
        netperf.parse(recorded("netperf/short.txt").replace("22.61", value), "x")


def test_the_client_is_asked_for_its_percentiles_and_pinned():
    argv = netperf.client_argv(TCP_RR, "10.0.0.1", 12865, duration_s=4.2)
    assert argv[:11] == (
        *("netperf", "-H", "10.0.0.1", "-4", "-p", "12865", "-t", "TCP_RR", "-l", "5", "-j"),
    )
    assert argv[11:13] == ("-T", "0,1")
    assert "P99_LATENCY" in argv[-1]
    assert "-e" not in argv
