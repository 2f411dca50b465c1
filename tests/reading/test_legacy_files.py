"""The role of each file of the published tree, derived from its path."""

import pytest

from tasks.reading.legacy_files import CaseKey, CaseName, Role, case_name, locate

TREE = "iteration_003/vm-client/performance-test-results"


def test_the_path_of_a_load_file_names_its_test():
    path = (
        f"{TREE}/ebpf/eth_drop_case_31_tcp_rx_0a1b2c/vm/client_results/pps/multi_4_20261122_130332"
    )
    found = locate(f"{path}/pps_multi_stream_1_port_5001.json")
    assert (found.role, found.node, found.kind) == (Role.LOAD, "vm-client", "pps")
    assert (found.config, found.stamp) == ("multi_4", "20261122_130332")
    assert found.case == CaseKey(3, "vm", "eth_drop_case_31_tcp_rx_0a1b2c")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("ebpf_monitoring/ebpf_resource_monitor_20261122_130356.log", Role.PIDSTAT),
        ("ebpf_monitoring/ebpf_logsize_monitor_20261122_130356.log", Role.LOG_SIZE),
        ("ebpf_monitoring/tool_logsize_20261122_130356.log", Role.LOG_SIZE),
        ("ebpf_monitoring/tool_cpu_usage_20261122_130356.log", Role.TOP),
        ("ebpf_monitoring/tool_memory_20261122_130356.log", Role.PS),
        ("ebpf_start_20261122_130356.log", Role.START),
        ("ebpf_output_20261122_130356.log", Role.OTHER),
        ("client_results/pps/single_20261122_130318/pps_single_timing.log", Role.TIMING),
        ("server_results/pps/single_20261122_130318/test_complete_pps_x.log", Role.COMPLETE),
    ],
)
def test_the_name_of_a_file_gives_its_role(name, role):
    assert locate(f"{TREE}/ebpf/x_case_1/host/{name}").role is role


def test_a_protocol_in_the_test_folders_name_is_not_part_of_its_config():
    path = f"{TREE}/baseline/host/client_results/throughput/multi_8_udp_20261122_130332/x.json"
    assert (locate(path).config, locate(path).stamp) == ("multi_8", "20261122_130332")


@pytest.mark.parametrize(
    ("folder", "name", "case"),
    [
        ("baseline", CaseName("", None, None, None), "baseline"),
        ("eth_drop_case_31_tcp_rx_0a1b2c", CaseName("eth_drop", 31, "tcp", "rx"),
         "eth_drop_rx_protocol_tcp"),
        ("qdisc_drop_trace_case_34_0a1b2c", CaseName("qdisc_drop_trace", 34, None, None),
         "qdisc_drop_trace"),
        ("tool_001_case_5", CaseName("tool_001", 5, None, None), "tool_001"),
    ],
)  # fmt: skip
def test_the_folder_of_a_case_gives_its_name(folder, name, case):
    assert case_name(folder) == name
    assert name.case == case
