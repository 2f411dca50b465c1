"""bpftool and tc: states that can be compared. Recordings: tests/data/bpftool/README.md."""

import pytest

from tasks.model.errors import ParseError
from tasks.programs import bpftool
from tasks.programs.bpftool import BpfLink, BpfState, LoadedProgram


def test_loaded_programs_are_identified_by_id_name_type_and_tag(recorded):
    assert bpftool.parse_programs(recorded("bpftool/prog.json"), "x") == {
        LoadedProgram(100, "netif_rx", "tracepoint", "888546de2943b66d"),
        LoadedProgram(101, "net_dev_xmit", "tracepoint", "c0b1a85fb75dc74b"),
    }


def test_a_pinned_program_left_behind_is_seen(recorded):
    assert bpftool.parse_pins(recorded("bpftool/prog_pinned.json"), "x") == {"/sys/fs/bpf/left"}


def test_links_leave_out_who_holds_them(recorded):
    assert bpftool.parse_links(recorded("bpftool/link.json"), "x") == {
        BpfLink(7, "tracing", 100),
        BpfLink(8, "perf_event", 101),
    }


def test_the_kind_of_a_probe_is_that_of_its_descriptor_or_of_its_link(recorded):
    perf, links = recorded("bpftool/perf.json"), recorded("bpftool/link_tracing.json")
    assert bpftool.parse_probes(perf, links, "x") == {
        4: "kprobe", 8: "kretprobe", 16: "tracepoint", 25: "fentry", 30: "fexit",
    }  # fmt: skip


def test_a_program_whose_link_names_no_probe_has_no_kind(recorded):
    assert 101 not in bpftool.parse_probes("[]", recorded("bpftool/link.json"), "x")


def test_the_maps_of_a_program_and_what_they_take():
    programs = '[{"id":140,"type":"tracing","map_ids":[8,9]},{"id":141,"type":"xdp"}]'
    maps = '[{"id":8,"type":"percpu_hash","bytes_memlock":532480}]'
    assert bpftool.parse_maps_of(programs, "x") == {140: (8, 9), 141: ()}
    assert bpftool.parse_map_sizes(maps, "x") == {8: 532480}
    with pytest.raises(ParseError, match="bytes_memlock"):
        bpftool.parse_map_sizes('[{"id":8}]', "x")


def test_xdp_is_an_attachment(recorded):
    assert bpftool.parse_net(recorded("bpftool/net_empty.json"), "x") == frozenset()
    (found,) = bpftool.parse_net(recorded("bpftool/net_xdp.json"), "x")
    assert (found.hook, found.device) == ("xdp", "v0")


def test_traffic_control_compares_without_counters(recorded):
    text = recorded("bpftool/tc_qdisc.txt")
    grown = text.replace("Sent 0 bytes 0 pkt", "Sent 900 bytes 3 pkt")
    assert grown != text
    lines = bpftool.parse_traffic_control(text)
    assert lines == bpftool.parse_traffic_control(grown)
    assert len(lines) == 2


def test_a_difference_names_what_came_and_what_went():
    kept, gone, left = (LoadedProgram(i, f"p{i}", "xdp", "t") for i in (1, 2, 3))
    before = BpfState(programs=frozenset({kept, gone}))
    after = BpfState(programs=frozenset({kept, left}), pins=frozenset({"/sys/fs/bpf/x"}))
    assert before.difference(before) == ()
    lines = after.difference(before)
    assert [line.split(":")[0] for line in lines] == ["+ pins", "+ programs", "- programs"]
    assert "p3" in lines[1] and "p2" in lines[2]


def test_a_part_that_is_unknown_on_either_side_is_not_compared():
    before = BpfState(programs=frozenset(), links=None, attachments=None)
    after = BpfState(links=None, attachments=None, pins=frozenset({"/sys/fs/bpf/x"}))
    assert after.difference(before) == ("+ pins: /sys/fs/bpf/x",)
    assert before.known() == {"programs", "pins", "traffic_control"}


@pytest.mark.parametrize(
    "text", ['{"error":"no such file"}', "", "[1]", '[{"id":"7"}]', '[{"id":7}', "{}"]
)
def test_what_is_no_list_of_objects_is_refused(text):
    with pytest.raises(ParseError):
        bpftool.parse_programs(text, "x")


def test_a_hook_that_is_no_list_is_refused():
    with pytest.raises(ParseError):
        bpftool.parse_net('[{"xdp":7}]', "x")
