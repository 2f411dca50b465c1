"""iperf3: what its output means. Recordings: tests/data/iperf3/README.md."""

import json
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.model.errors import ParseError
from tasks.model.plan import Workload
from tasks.programs import iperf3

TCP = Workload("throughput_single_tcp", "throughput", "iperf3", "tcp", window_s=5, warmup_s=1)
UDP = Workload(
    "pps_multi_udp", "pps", "iperf3", "udp", streams=4, window_s=5, bandwidth="1G", length=64
)


def test_a_clean_tcp_run_gives_what_the_receiver_got(recorded):
    result = iperf3.parse_client(recorded("iperf3/tcp_single.json"), "tcp")
    assert result.protocol == "tcp"
    assert (result.warmup_s, result.requested_s) == (1, 3)
    assert result.received_bytes == 4644668896
    assert result.received_bps == pytest.approx(8 * 4644668896 / 3.000805)
    assert result.retransmits == 5524
    assert (result.datagrams, result.lost) == (None, None)


def test_warmup_intervals_lie_before_the_window(recorded):
    intervals = iperf3.parse_client(recorded("iperf3/tcp_single.json"), "tcp").intervals
    assert [interval.omitted for interval in intervals] == [True, False, False, False]
    assert intervals[0].start_s == -1
    assert [round(interval.end_s) for interval in intervals] == [0, 1, 2, 3]


def test_streams_of_one_process_are_summed(recorded):
    assert iperf3.parse_client(
        recorded("iperf3/tcp_two_streams.json"), "tcp"
    ).received_bps == pytest.approx(17.238e9, rel=1e-3)


def test_udp_numbers_are_the_receivers(recorded):
    result = iperf3.parse_client(recorded("iperf3/udp_lossy.json"), "udp")
    lost, total = server_counts(recorded("iperf3/udp_lossy_server.txt"))
    assert (result.lost, result.datagrams) == (lost, total - lost)
    assert result.received_bps == pytest.approx(result.datagrams * 64 * 8 / result.received_s)
    sent_bps = min(interval.bps for interval in result.intervals)
    assert sent_bps > 1.2 * result.received_bps


def test_losses_of_the_warmup_are_not_the_windows(recorded):
    result = iperf3.parse_client(recorded("iperf3/udp_lossy_in_warmup.json"), "udp")
    counts = server_counts(recorded("iperf3/udp_lossy_in_warmup_server.txt"))
    assert (result.lost, result.datagrams) == counts == (0, 234390)


def test_version_3_1_reads_with_losses_taken_off(recorded):
    result = iperf3.parse_client(recorded("iperf3/udp_3.1.7.json"), "udp")
    assert (result.datagrams, result.lost) == (78000, 125)
    assert result.received_bps == 78000 * 64 * 8 / 2
    assert iperf3.parse_client(recorded("iperf3/tcp_3.1.7.json"), "tcp").received_bps == 9.996e9


def test_version_3_1_with_losses_and_warmup_is_refused(recorded):
    text = recorded("iperf3/udp_3.1.7.json").replace('"omit": 0', '"omit": 1')
    with pytest.raises(ParseError, match="omitted seconds"):
        iperf3.parse_client(text, "udp")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("refused", "Connection refused"),
        ("busy", "server is busy"),
        ("server_killed", "control socket has closed"),
        ("client_terminated", "client has terminated"),
        ("disk_full", "not whole JSON"),
    ],
)
def test_a_failed_run_is_refused_though_iperf3_exits_0(recorded, name, reason):
    with pytest.raises(ParseError, match=reason) as caught:
        iperf3.parse_client(recorded(f"iperf3/{name}.json"), "client.json")
    assert caught.value.source == "client.json"


def test_empty_seconds_are_counted_but_not_a_last_sliver(recorded):
    outage = iperf3.parse_client(recorded("iperf3/outage.json"), "tcp")
    assert outage.empty_seconds == 2
    sliver = replace(outage.intervals[-1], start_s=3.0, end_s=3.001)
    assert replace(outage, intervals=(sliver,)).empty_seconds == 0


def test_an_outage_shows_in_the_fields_that_gates_judge(recorded):
    result = iperf3.parse_client(recorded("iperf3/outage.json"), "tcp")
    assert result.received_s > 2 * result.requested_s
    assert [interval.bps for interval in result.intervals][1:] == [0, 0]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_truncation_is_refused(recorded, data):
    name = data.draw(st.sampled_from(["tcp_single", "udp_lossy", "udp_3.1.7"]))
    whole = recorded(f"iperf3/{name}.json").rstrip()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ParseError):
        iperf3.parse_client(whole[:cut], "cut")


def _nodes(value, path=()):
    """The paths of all nodes of a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _nodes(value[key], (*path, key))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_junk_anywhere_in_the_report_is_a_result_or_a_parse_error(recorded, data):
    name = data.draw(st.sampled_from(["tcp_single", "udp_lossy", "udp_3.1.7"]))
    report = json.loads(recorded(f"iperf3/{name}.json"))
    path = data.draw(st.sampled_from([path for path in _nodes(report) if path]))
    junk = data.draw(st.sampled_from([None, True, -1, 0, 1e308, "x", [], {}, [1], [[]], "DELETE"]))
    parent = report
    for key in path[:-1]:
        parent = parent[key]
    if junk == "DELETE":
        del parent[path[-1]]
    else:
        parent[path[-1]] = junk
    try:
        result = iperf3.parse_client(json.dumps(report), "junk")
    except ParseError:
        return
    assert math.isfinite(result.received_bps)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"bits_per_second":', '"bits_per_second": NaN, "was":'),
        ('"bits_per_second":', '"bits_per_second": 1e999, "was":'),
        ('"bits_per_second":', '"bits_per_second": "12", "was":'),
        ('"sum_received"', '"sum_lost"'),
        ('"omit"', '"omitted"'),
    ],
)
def test_what_is_not_a_number_is_refused(recorded, old, new):
    with pytest.raises(ParseError):
        iperf3.parse_client(recorded("iperf3/tcp_single.json").replace(old, new), "x")


def test_text_after_the_json_is_refused(recorded):
    with pytest.raises(ParseError, match="Extra data"):
        iperf3.parse_client(recorded("iperf3/tcp_single.json") + "iperf3: error", "x")


def test_a_receiver_that_counted_nothing_is_refused(recorded):
    text = recorded("iperf3/udp_paced.json")
    received = text.index('"sum_received"')
    text = text[:received] + re.sub(r'"bytes":\s*\d+', '"bytes": 0', text[received:])
    with pytest.raises(ParseError, match="not above zero"):
        iperf3.parse_client(text, "x")


def test_each_process_gets_its_share_of_the_bandwidth():
    argv = iperf3.client_argv(UDP, "10.0.0.1", 5203, streams_share=4)
    assert argv == (
        *("iperf3", "-J", "-c", "10.0.0.1", "-p", "5203", "-t", "5", "-O", "1"),
        *("-u", "--udp-counters-64bit", "-l", "64", "-b", "250000000"),
    )


def test_tcp_without_settings_asks_for_none():
    argv = iperf3.client_argv(replace(TCP, warmup_s=0), "10.0.0.1", 5201)
    assert argv == ("iperf3", "-J", "-c", "10.0.0.1", "-p", "5201", "-t", "5")


def test_udp_without_bandwidth_is_unlimited():
    argv = iperf3.client_argv(replace(UDP, bandwidth=None), "10.0.0.1", 5201)
    assert argv[-2:] == ("-b", "0")


def test_affinity_may_be_written_with_a_slash():
    argv = iperf3.client_argv(replace(TCP, affinity="0/1"), "10.0.0.1", 5201)
    assert argv[-2:] == ("-A", "0,1")


@pytest.mark.parametrize(
    ("version", "bounded"), [("3.12", True), ("iperf 3.10.1 (cJSON)", True), ("3.1.7", False)]
)
def test_an_unused_server_ends_by_itself_where_it_can(version, bounded):
    assert ("--idle-timeout" in iperf3.server_argv(5201, "10.0.0.1", version=version)) == bounded


@pytest.mark.parametrize(("text", "bps"), [("1G", 10**9), ("2.5m", 2_500_000), ("800", 800)])
def test_bandwidths_are_decimal(text, bps):
    assert iperf3.bits_per_second(text) == bps


@pytest.mark.parametrize("text", ["", "fast", "-1M", "1G/64", "1Gi", "nan"])
def test_what_is_not_a_bandwidth_is_refused(text):
    with pytest.raises(ValueError, match="not a bandwidth"):
        iperf3.bits_per_second(text)


def server_counts(text: str) -> tuple[int, int]:
    """Lost and total datagrams of the window, from the server's own summary line."""
    match = re.search(r"(\d+)/(\d+) \(.*\)  receiver", text)
    assert match is not None
    return int(match[1]), int(match[2])
