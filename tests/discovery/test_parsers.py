"""Parsers of probes on single texts; whole recordings are replayed in test_replay.py."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.discovery import system
from tasks.discovery.clock import parse_clock
from tasks.discovery.links import Link, bottom, parse_links, parse_route
from tasks.discovery.nics import parse_interfaces
from tasks.discovery.open_vswitch import Ovs, internal_ports, parse_ovs
from tasks.discovery.traffic_path import traffic_path
from tasks.discovery.vms import parse_domiflist, parse_qemus, tap_of, vhost_pids_of
from tasks.model.errors import ParseError
from tasks.model.probe import ProbeAnswer
from tasks.programs.sections import sections

from .test_replay import RECORDINGS

LAB_OVS = RECORDINGS / "lab-ovs/host-server"
CENTOS = RECORDINGS / "centos7-ovs-vms/host-server"


def machine(path):
    return sections(next(path.glob("machine*.txt")).read_text())


def answer(text: str, sent: float, received: float) -> ProbeAnswer:
    return ProbeAnswer(0, text, "", sent, received)


def test_the_clock_is_read_from_the_quickest_answer():
    offset, error = parse_clock(
        [answer("1000.9", 1000.0, 1001.0), answer("1002.26", 1002.0, 1002.5)]
    )
    assert offset == pytest.approx(0.01)
    assert error == pytest.approx(0.25)


def test_a_clock_without_fractions_is_still_a_time_and_no_time_is_refused():
    assert parse_clock([answer("1000\n", 1000.0, 1000.0)])[0] == 0
    with pytest.raises(ParseError, match="not a time"):
        parse_clock([answer("date: invalid", 0, 1)])


def test_real_json_and_text_of_ip_name_the_same_things():
    links = parse_links(machine(LAB_OVS)["links"])
    assert links["uplink0"].kind == "veth"
    assert links["vnet0"].kind == "tun"
    text = parse_links(machine(CENTOS)["links"])
    assert text["p2p1"] == Link(
        "p2p1", None, "b4:96:91:aa:00:05", 1500, ("fe80::b696:91ff:feaa:1",), None, None, 112, True
    )
    assert text["port-access"].kind == "openvswitch"
    assert text["vnet503"].kind == "tun"
    assert text["lo"].kind == "loopback"


@pytest.mark.parametrize("text", ["", "[]", "[{]", '[{"ifname": 3}, 4]', "ip: not found"])
def test_what_is_no_list_of_interfaces_is_refused(text):
    with pytest.raises(ParseError):
        parse_links(text)


@given(st.integers(0, 4000))
def test_no_cut_of_ips_json_is_taken_for_whole(cut):
    text = machine(LAB_OVS)["links"]
    with pytest.raises(ParseError):
        parse_links(text[: min(cut, len(text) - 1)])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.1 dev eth0 src 192.0.2.2 uid 0 \n    cache \n", ("eth0", "192.0.2.2")),
        ("192.0.2.9 via 192.0.2.1 dev bond0.5  src 10.0.0.1 \n", ("bond0.5", "10.0.0.1")),
        ("local 127.0.0.1 dev lo src 127.0.0.1 uid 0 \n", ("lo", "127.0.0.1")),
        ("2001:db8::1 from :: dev eth1 proto kernel metric 256", ("eth1", None)),
    ],
)
def test_a_route_is_a_device_and_maybe_a_source(text, found):
    assert parse_route(text) == found


def links_of(*links: Link) -> dict[str, Link]:
    return {link.name: link for link in links}


def test_under_a_vlan_on_a_bridge_lies_its_nic_and_not_a_tap():
    links = links_of(
        Link("br0.7", "vlan", lower="br0"),
        Link("br0", "bridge"),
        Link("vnet0", "tun", master="br0"),
        Link("veth1", "veth", master="br0"),
        Link("eth3", None, master="br0"),
    )
    assert bottom(links, "br0.7") == "eth3"


def test_links_that_lie_on_each_other_end():
    links = links_of(Link("a", "vlan", lower="b"), Link("b", "vlan", lower="a"))
    assert bottom(links, "a") in ("a", "b")


def test_a_tap_in_a_linux_bridge_leads_to_the_bridges_bond():
    links = links_of(
        Link("vnet0", "tun", master="br0"),
        Link("br0", "bridge"),
        Link("bond0", "bond", master="br0"),
        Link("e1", None, master="bond0"),
        Link("e0", None, master="bond0"),
    )
    path = traffic_path("vnet0", links, Ovs({}))
    assert (path.bridge, path.physical, path.members) == ("br0", "bond0", ("e0", "e1"))


def test_a_switch_without_a_way_out_ends_at_the_port_itself():
    ovs = parse_ovs((CENTOS / "ovs.txt").read_text())
    inside = Ovs({name: port for name, port in ovs.ports.items() if port.bridge == "ovsbr-access"})
    links = parse_links(machine(CENTOS)["links"])
    assert traffic_path("port-access", links, inside).physical == "port-access"


def test_real_ovs_output_gives_bridges_bond_patches_and_internal_ports():
    ovs = parse_ovs((LAB_OVS / "ovs.txt").read_text())
    bond = ovs.ports["bond-uplink"]
    assert bond.is_bond and bond.bridge == "ovsbr-uplink"
    assert sorted(i.name for i in bond.interfaces) == ["uplink0", "uplink1"]
    assert list(ovs.beyond("ovsbr-storage")) == ["ovsbr-uplink"]
    assert "port-storage" in internal_ports(ovs, "storage")
    assert "port-storage" not in internal_ports(ovs, "store")


def test_without_open_vswitch_there_are_no_ports_and_half_an_answer_is_refused():
    assert parse_ovs("").ports == {}
    with pytest.raises(ParseError):
        parse_ovs("==> Bridge <==\n{}\n")


def test_a_taps_made_up_speed_is_no_speed():
    text = "==> t ethtool <==\n\tSpeed: 10Mb/s\n==> e ethtool <==\n\tSpeed: 25000Mb/s\n"
    tap, nic = parse_interfaces(text, links_of(Link("t", "tun"), Link("e")))
    assert tap.speed_mbps is None
    assert nic.speed_mbps == 25_000


def test_an_unknown_speed_is_missing_and_not_a_number():
    [nic] = parse_interfaces("==> e ethtool <==\n\tSpeed: Unknown!\n", {})
    assert (nic.speed_mbps, nic.queues, nic.numa_node, nic.driver) == (None, None, None, None)


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("iperf 3.12 (cJSON 1.7.15)", "3.12"),
        ("Netperf version 2.7.0", "2.7.0"),
        ("sysstat version 10.1.5", "10.1.5"),
        ("/usr/sbin/bpftool v5.10.0", "5.10.0"),
        ("sha256sum (GNU coreutils) 9.1", "9.1"),
        ("ip utility, iproute2-ss170501", "170501"),
        ("ip utility, iproute2-6.1.0, libbpf 1.1.0", "6.1.0"),
        ("setsid: unrecognized option", None),
    ],
)
def test_a_programs_version_is_read_from_its_first_line(output, version):
    assert system.programs({"program x": output}) == {"x": version}


def test_a_guest_without_lscpu_is_read_from_cpuinfo():
    text = "processor\t: 0\nmodel name\t: Some CPU\n\nprocessor\t: 1\nmodel name\t: Some CPU\n"
    cpu = system.parse_cpu(text)
    assert (cpu.model, cpu.cpus, cpu.sockets) == ("Some CPU", 2, None)
    with pytest.raises(ParseError):
        system.parse_cpu("lscpu: not found")


def test_without_tracefs_nothing_is_said_of_kprobes():
    bpf = system.parse_bpf("/sys/kernel/btf/vmlinux\n", {})
    assert (bpf.btf, bpf.kprobes, bpf.tracepoints) == (True, None, None)


def qemu(*arguments: str, taps: str = "", vhost: str = ""):
    command = "\n".join(("qemu-kvm", "-uuid", "AB", *arguments))
    text = f"==> 7 cmdline <==\n{command}\n==> 7 taps <==\n{taps}\n==> vhost <==\n{vhost}\n"
    [found] = parse_qemus(text)
    return found


def test_an_argument_like_a_header_does_not_cut_the_command_line():
    """As the probe quotes it; recordings of earlier versions are not quoted."""
    arguments = ("qemu-kvm", "-name", "==> 8 cmdline <==", "x @ 2.20GHz", "-uuid", "AB")
    quoted = "".join(f" {argument}\n" for argument in arguments)
    [found] = parse_qemus(f"==> 7 cmdline <==\n{quoted}==> 7 taps <==\n==> vhost <==\n")
    assert (found.pid, found.arguments, found.uuid) == (7, arguments, "ab")


def test_newer_libvirts_json_arguments_are_read():
    netdev = json.dumps({"type": "tap", "fds": "31:33", "vhost": True, "id": "n1"})
    device = json.dumps({"driver": "virtio-net-pci", "netdev": "n1", "mac": "52:54:00:00:00:01"})
    taps = "/proc/7/fdinfo/31:iff:\tvnet4\n/proc/7/fdinfo/33:iff:\tvnet4\n/proc/7/fdinfo/9:iff:\tx"
    found = qemu("-netdev", netdev, "-device", device, taps=taps)
    assert found.uuid == "ab"
    assert tap_of(found, "52:54:00:00:00:01", {}) == "vnet4"


def test_a_mac_that_is_on_no_tap_is_not_guessed_among_several():
    found = qemu(taps="/proc/7/fdinfo/3:iff:\ta\n/proc/7/fdinfo/4:iff:\tb")
    assert tap_of(found, "52:54:00:00:00:01", {}) is None


def test_threads_of_another_qemu_are_not_this_ones():
    stat = "{tid} (vhost-{pid}) S 2 " + "0 " * 17 + "{start} 0\n"
    lines = [(12, 7, 200), (11, 7, 200), (30, 7, 100), (13, 77, 50)]
    vhost = "".join(stat.format(tid=t, pid=p, start=s) for t, p, s in lines)
    found = qemu(taps="/proc/7/fdinfo/3:iff:\tonly", vhost=vhost)
    assert found.vhost_pids == (30, 11, 12)  # oldest first
    assert vhost_pids_of(found, "only") == (30, 11, 12)


def test_a_tap_without_vhost_beside_one_with_it_has_no_threads():
    found = qemu(
        *("-netdev", "tap,id=a,ifname=t0,vhost=on", "-netdev", "tap,id=b,ifname=t1"),
        taps="/proc/7/fdinfo/3:iff:\tt0\n/proc/7/fdinfo/4:iff:\tt1",
        vhost="12 (vhost-7) S 2 " + "0 " * 17 + "5 0",
    )
    assert vhost_pids_of(found, "t0") == (12,)
    assert vhost_pids_of(found, "t1") == ()


def test_virshs_table_gives_taps_by_mac():
    text = (
        " Interface   Type     Source   Model    MAC\n---\n"
        " vnet5       bridge   br0      virtio   52:54:00:AA:00:01\n"
    )
    assert parse_domiflist(text) == {"52:54:00:aa:00:01": "vnet5"}
    assert parse_domiflist("error: failed to connect") == {}
