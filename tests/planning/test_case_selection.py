import pytest

from tasks.model.catalog import read_catalog
from tasks.model.errors import InputError, InputErrors
from tasks.model.full import read_full
from tasks.model.plan import Workload
from tasks.planning.case_selection import matching_workloads, select
from tasks.planning.cases import expand

from .test_cases import FULL


@pytest.fixture(scope="module")
def cases():
    return expand(read_full(FULL), read_catalog())


def ids(cases):
    return [case.id for case in cases]


def test_no_filter_keeps_all(cases):
    assert select(cases) == cases


def test_filters_narrow_together_and_keep_the_order(cases):
    kept = select(cases, layers=["host"], protocol="udp", direction="tx")
    assert ids(kept) == [4, 8, 12, 36, 42, 49, 53]


def test_a_tool_is_named_by_its_id_or_its_script(cases):
    by_id = select(cases, tools=["ovs_kernel_module_drop_monitor"])
    assert by_id == select(cases, tools=["ovs-kernel-module-drop-monitor.py"])
    assert ids(by_id) == list(range(66, 72))


def test_a_category_is_a_prefix_of_whole_parts(cases):
    assert ids(select(cases, category="kvm-virt-network")) == list(range(72, 98))
    assert ids(select(cases, category="kvm-virt-network/tun")) == list(range(76, 81))
    with pytest.raises(InputError, match="kvm-virt-network/vhost-net"):
        select(cases, category="kvm")


def test_values_that_no_case_has_are_told_all_at_once_with_those_there_are(cases):
    with pytest.raises(InputErrors) as told:
        select(cases, tools=["eth_dorp"], protocol="sctp", case_ids=[1, 98])
    lines = str(told.value).splitlines()
    assert len(lines) == 3
    assert "eth_dorp" in lines[0] and "eth_drop" in lines[0]
    assert lines[1].endswith("expected one of tcp, udp, icmp")
    assert "98" in lines[2]


def test_filters_that_exclude_each_other_are_told(cases):
    with pytest.raises(InputError, match="together"):
        select(cases, layers=["vm"], tools=["eth_drop"])


def test_matching_workloads_are_those_of_the_watched_protocol(cases):
    loads = [Workload(f"l_{p}", "latency", "netperf", p) for p in ("tcp", "udp")]
    tcp, udp, icmp = cases[0], cases[2], cases[12]
    assert matching_workloads(tcp, loads) == ("l_tcp",)
    assert matching_workloads(udp, loads) == ("l_udp",)
    assert matching_workloads(icmp, loads) == ("l_tcp", "l_udp")
