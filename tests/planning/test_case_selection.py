import pytest

from tasks.model.catalog import read_catalog
from tasks.model.errors import InputError, InputErrors
from tasks.model.full import read_full
from tasks.model.plan import Workload
from tasks.model.settings import Selection
from tasks.planning.case_selection import matching_workloads, select
from tasks.planning.cases import expand

from .test_cases import FULL


@pytest.fixture(scope="module")
def cases():
    return expand(read_full(FULL), read_catalog())


def ids(cases):
    return [case.id for case in cases]


def test_no_filter_keeps_all(cases):
    assert select(cases, Selection()) == cases


def test_filters_narrow_together_and_keep_the_order(cases):
    kept = select(cases, Selection(layers=["host"], protocol="udp", direction="tx"))
    assert ids(kept) == [4, 8, 12, 36, 42, 49, 53]


def test_a_tool_is_named_by_its_id_or_its_script(cases):
    by_id = select(cases, Selection(tools=["ovs_kernel_module_drop_monitor"]))
    assert by_id == select(cases, Selection(tools=["ovs-kernel-module-drop-monitor.py"]))
    assert ids(by_id) == list(range(66, 72))


def test_a_category_is_a_prefix_of_whole_parts(cases):
    assert ids(select(cases, Selection(category="kvm-virt-network"))) == list(range(72, 98))
    assert ids(select(cases, Selection(category="kvm-virt-network/tun"))) == list(range(76, 81))
    with pytest.raises(InputError, match="kvm-virt-network/vhost-net"):
        select(cases, Selection(category="kvm"))


def test_values_that_no_case_has_are_reported_all_at_once_with_those_there_are(cases):
    ours = [case for case in cases if case.parameters.get("protocol") != "icmp"]
    with pytest.raises(InputErrors) as raised:
        select(ours, Selection(tools=["eth_dorp"], protocol="icmp", case_ids=[1, 98]))
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("expected one of eth_drop")
    assert lines[1] == "selection: protocol: no case has 'icmp'; expected one of tcp, udp"
    assert lines[2].startswith("selection: case_ids: no case has '98'; expected one of 1 … ")


def test_filters_that_exclude_each_other_are_reported(cases):
    with pytest.raises(InputError, match="together"):
        select(cases, Selection(layers=["vm"], tools=["eth_drop"]))


def test_matching_workloads_are_those_of_the_watched_protocol(cases):
    loads = [Workload(f"l_{p}", "latency", "netperf", p) for p in ("tcp", "udp")]
    tcp, udp, icmp = cases[0], cases[2], cases[12]
    assert matching_workloads(tcp, loads) == ("l_tcp",)
    assert matching_workloads(udp, loads) == ("l_udp",)
    assert matching_workloads(icmp, loads) == ("l_tcp", "l_udp")
