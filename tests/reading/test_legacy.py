"""Trees of the published framework: a real one (two hosts, a baseline, two tools), and broken and
older variants of it."""

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from tasks.model.errors import InputError
from tasks.reading import legacy
from tasks.reading.records import Reading
from tasks.storage.dataset import Dataset

from ..paths import DATA

BASELINE = "iteration_001/host-client/performance-test-results/baseline/host/client_results"
TOOL = "ebpf/summ_case_1_tcp_rx_9d5e19/host"
MONITORS = f"iteration_001/host-server/performance-test-results/{TOOL}/ebpf_monitoring"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA / "legacy-results", tmp_path / "tree"))


@pytest.fixture(scope="module")
def reading() -> Reading:
    return legacy.read(DATA / "legacy-results", "published", "r1")


def read(tree: Path) -> Reading:
    return legacy.read(tree, "published", "r1")


def only(frame: pl.DataFrame, **values: object) -> pl.DataFrame:
    return frame.filter(**values)


def one(tree: Path, pattern: str) -> Path:
    (found,) = tree.glob(pattern)
    return found


def value(reading: Reading, case: str, workload: str, metric: str) -> float:
    (found,) = only(reading.samples, case=case, workload=workload, metric=metric)["value"]
    return float(found)


def status(reading: Reading, path: Path | str) -> tuple[str, str]:
    (row,) = only(reading.manifest, path=str(path)).rows()
    return row[1], row[2]


# -- the tree as it is -----------------------------------------------------------------------------


def test_each_case_has_its_workloads_in_the_order_of_measurement(reading):
    cells = reading.cells.group_by("position", "case", maintain_order=True).agg("workload")
    assert cells["case"].to_list() == ["baseline", "summ_rx_protocol_tcp", "det_rx_protocol_tcp"]
    workloads = ["throughput_single_tcp", "throughput_multi_tcp", "latency_tcp_rr",
                 "latency_udp_rr", "pps_single_tcp", "pps_multi_tcp"]  # fmt: skip
    assert cells["workload"].to_list() == [workloads] * 3
    assert set(reading.cells["status"]) == {"passed"}


def test_the_values_of_a_load_equal_those_in_its_json(reading):
    text = one(DATA / "legacy-results", f"{BASELINE}/throughput/single_*/*.json").read_text()
    received = json.loads(text)["end"]["sum_received"]["bits_per_second"]
    assert value(reading, "baseline", "throughput_single_tcp", "throughput_bps") == received


def test_streams_are_summed_as_published_and_their_overlap_is_recorded(reading):
    files = (DATA / "legacy-results").glob(f"{BASELINE}/pps/multi_4_*/*.json")
    received = [json.loads(f.read_text())["end"]["sum_received"] for f in files]
    writes = sum(r["bits_per_second"] for r in received) / (64 * 8)
    assert value(reading, "baseline", "pps_multi_tcp", "writes_per_s") == pytest.approx(writes)
    (gates,) = only(reading.cells, case="baseline", workload="pps_multi_tcp")["gates"]
    note = {gate["gate"]: gate for gate in json.loads(gates)}["simultaneous"]
    assert note["passed"] is None
    assert note["observed"] == "2 s of 5 s with all 4 processes running"


def test_latency_is_read_from_netperfs_three_columns(reading):
    assert value(reading, "baseline", "latency_tcp_rr", "latency_mean_us") == 75.59
    metrics = only(reading.samples, case="baseline", workload="latency_udp_rr")["metric"]
    assert set(metrics) == {"latency_mean_us", "latency_min_us", "latency_max_us"}


def test_windows_use_the_clients_epoch_clock(reading):
    (cell,) = only(reading.cells, case="baseline", workload="throughput_single_tcp").to_dicts()
    assert cell["started"].timestamp() == 1795352554
    assert cell["window_s"] == pytest.approx(5.004476)
    assert (cell["server"], cell["client"], cell["clock"]) == ("host-server", "host-client", None)


def test_the_tools_monitors_are_cut_to_the_window(reading):
    key = {"case": "det_rx_protocol_tcp", "workload": "throughput_single_tcp"}
    (cell,) = only(reading.cells, **key).to_dicts()
    assert (cell["clock"], cell["tool_host"]) == ("start_epoch", "host-server")
    cpu = only(reading.intervals, **key, series="tool_cpu_pct")
    assert 1 <= cpu.height <= 4
    assert cpu["t_s"].is_between(0, cell["window_s"] + 1).all()
    assert value(reading, **key, metric="tool_rss_mib") == pytest.approx(13948 / 1024)
    assert value(reading, **key, metric="log_mib_per_min") > 100


def test_a_load_without_a_clock_gets_no_values_of_the_tool(reading):
    key = {"case": "summ_rx_protocol_tcp", "workload": "latency_tcp_rr"}
    assert only(reading.cells, **key)["clock"].to_list() == ["unaligned"]
    assert not only(reading.samples, **key)["metric"].str.starts_with("tool_").any()


def test_a_tool_is_identified_by_its_folder_and_its_log(reading):
    cell = only(reading.cells, case="summ_rx_protocol_tcp").row(0, named=True)
    assert (cell["case_id"], cell["kind"], cell["tool"]) == (1, "tool", "summ")
    assert (cell["protocol"], cell["direction"]) == ("tcp", "rx")
    assert cell["command"] == "python3 measurement-tools/x/summ.py summ"


def test_gates_without_recorded_data_are_not_judged(reading):
    (gates,) = only(
        reading.cells, case="det_rx_protocol_tcp", workload="pps_single_tcp"
    )["gates"]  # fmt: skip
    judged = {gate["gate"]: gate["passed"] for gate in json.loads(gates)}
    assert judged["complete"] is True
    assert judged["monitored"] is True
    assert judged["probes_attached"] is None


def test_every_file_is_in_the_manifest(reading):
    files = {
        path.relative_to(DATA / "legacy-results").as_posix()
        for path in (DATA / "legacy-results").rglob("*")
        if path.is_file()
    }
    assert set(reading.manifest["path"]) == files
    assert "refused" not in set(reading.manifest["status"])


def test_the_rows_are_valid_and_reading_again_changes_nothing(reading, tmp_path):
    dataset = Dataset(tmp_path)
    dataset.replace("published", "r1", reading.tables())
    again = legacy.read(DATA / "legacy-results", "published", "r1")
    for name, frame in again.tables().items():
        assert dataset.scan(name).collect().equals(frame), name


def test_the_folder_of_one_iteration_reads_like_the_tree_above_it(reading):
    alone = legacy.read(DATA / "legacy-results/iteration_001", "published", "r1")
    assert alone.samples.equals(reading.samples)
    assert set(alone.cells["iteration"]) == {1}


# -- broken trees ----------------------------------------------------------------------------------


def test_a_truncated_json_gives_an_invalid_cell_with_the_reason(tree):
    file = one(tree, f"{BASELINE}/throughput/single_*/*.json")
    file.write_text(file.read_text()[:4096])
    reading = read(tree)
    (cell,) = only(reading.cells, case="baseline", workload="throughput_single_tcp").to_dicts()
    assert (cell["status"], cell["gate"]) == ("invalid", "complete")
    assert "throughput_single_tcp.json: not whole JSON" in cell["reason"]
    assert only(reading.samples, case="baseline", workload="throughput_single_tcp").is_empty()
    assert status(reading, file.relative_to(tree))[0] == "refused"


def test_a_missing_stream_file_makes_the_cell_incomplete(tree):
    one(tree, f"{BASELINE}/pps/multi_4_*/*_3_port_5003.json").unlink()
    (cell,) = only(read(tree).cells, case="baseline", workload="pps_multi_tcp").to_dicts()
    assert (cell["status"], cell["gate"]) == ("invalid", "complete")
    assert cell["reason"].startswith("3 of 4 processes")


def test_a_case_without_load_files_is_failed_and_not_omitted(tree):
    shutil.rmtree(tree / "iteration_001/host-client/performance-test-results" / TOOL)
    reading = read(tree)
    cells = only(reading.cells, case="summ_rx_protocol_tcp")
    assert set(cells["status"]) == {"failed"}
    assert cells.height == 6
    assert set(cells["position"]) == {1}


def test_a_cell_with_empty_netperf_output_is_invalid(tree):
    one(tree, f"{BASELINE}/latency/tcp_rr_*/*.txt").write_text("")
    (cell,) = only(read(tree).cells, case="baseline", workload="latency_tcp_rr").to_dicts()
    assert (cell["status"], cell["reason"]) == ("invalid", "latency_tcp_rr.txt: empty")


def test_a_tool_that_ended_during_the_window_invalidates_the_cell(tree):
    file = one(tree, f"{MONITORS}/ebpf_resource_monitor_*.log")
    text = file.read_text()
    file.write_text(text[: text.index("13:04:28")].rpartition("# Time")[0])
    key = {"case": "summ_rx_protocol_tcp", "workload": "throughput_single_tcp"}
    (cell,) = only(read(tree).cells, **key).to_dicts()
    assert (cell["status"], cell["gate"]) == ("invalid", "monitored")


def test_an_unreadable_monitor_file_is_refused_and_its_values_are_missing(tree):
    file = one(tree, f"{MONITORS}/ebpf_resource_monitor_*.log")
    file.write_text("pidstat: command not found\n")
    reading = read(tree)
    assert status(reading, file.relative_to(tree))[0] == "refused"
    metrics = only(reading.samples, case="summ_rx_protocol_tcp")["metric"]
    assert "tool_cpu_pct" not in set(metrics)
    assert "log_mib_per_min" in set(metrics)


def test_a_load_file_outside_a_test_folder_is_refused(tree):
    stray = tree / BASELINE / "stray.json"
    stray.write_text("{}")
    assert status(read(tree), stray.relative_to(tree)) == (
        "refused",
        "its path does not name its test",
    )


def test_a_folder_with_an_impossible_time_is_refused(tree):
    folder = one(tree, f"{BASELINE}/latency/tcp_rr_*")
    folder = folder.rename(folder.with_name("tcp_rr_20269999_130259"))
    (file,) = folder.iterdir()
    assert status(read(tree), file.relative_to(tree))[0] == "refused"


@pytest.mark.parametrize("keep", [None, "iteration_001/host-server"])
def test_a_tree_without_load_files_is_an_input_error(tree, keep):
    if keep is None:
        shutil.rmtree(tree / "iteration_001")
    else:
        shutil.rmtree(tree / "iteration_001/host-client")
    with pytest.raises(InputError, match="no load results"):
        read(tree)


# -- older versions and other layouts --------------------------------------------------------------


def test_monitors_without_an_epoch_are_aligned_by_zone_and_flagged(tree):
    for file in (tree / MONITORS).iterdir():
        if file.name.startswith("resource_monitor_timestamp"):
            file.unlink()
        elif file.name.startswith("ebpf_resource_monitor"):
            file.write_text(re.sub("# START_DATETIME.*\n", "", file.read_text()))
    key = {"case": "summ_rx_protocol_tcp", "workload": "throughput_multi_tcp"}
    reading = read(tree)
    assert only(reading.cells, **key)["clock"].to_list() == ["unaligned"]
    assert value(reading, **key, metric="tool_rss_mib") == pytest.approx(13948 / 1024)


@pytest.mark.parametrize("hours", [8, -5])
def test_the_time_zone_of_the_hosts_changes_no_value(tree, reading, hours):
    """All local times are written in another zone; epoch seconds stay the same."""
    for path in sorted(tree.rglob("*20261122_13*"), reverse=True):
        path.rename(path.with_name(path.name.replace("20261122_13", f"20261122_{13 + hours:02}")))
    for file in tree.rglob("*.log"):
        text = file.read_text()
        text = text.replace("2026-11-22 13:", f"2026-11-22 {13 + hours:02}:")
        file.write_text(re.sub(r"^13:", f"{13 + hours:02}:", text, flags=re.MULTILINE))
    moved = read(tree)
    assert moved.samples.equals(reading.samples)
    assert moved.intervals.equals(reading.intervals)
    assert moved.cells["started"].equals(reading.cells["started"])
    assert moved.cells["ended"].equals(reading.cells["ended"])


def test_file_names_and_columns_of_the_older_monitor_are_read(tree):
    folder = tree / MONITORS
    for file in list(folder.iterdir()):
        file.unlink()
    seconds = [f"2026-11-22 13:04:{second:02}.500000000" for second in range(20, 40)]
    lines = {
        "tool_cpu_usage": [f"{at} 3.5" for at in seconds],
        "tool_memory": [f"{at} 16820 13948  0.1" for at in seconds],
        "tool_logsize": [f"{at} {n * 2**20}" for n, at in enumerate(seconds)],
    }
    for name, listed in lines.items():
        (folder / f"{name}_20261122_130356.log").write_text("\n".join(listed) + "\n")
    key = {"case": "summ_rx_protocol_tcp", "workload": "throughput_single_tcp"}
    reading = read(tree)
    assert only(reading.cells, **key)["clock"].to_list() == ["unaligned"]
    assert value(reading, **key, metric="tool_cpu_pct") == 3.5
    assert value(reading, **key, metric="tool_vsz_mib") == pytest.approx(16820 / 1024)
    assert value(reading, **key, metric="log_mib_per_min") == pytest.approx(60)
    sources = only(reading.samples, **key, metric="tool_cpu_pct")["source"]
    assert sources.to_list() == ["top: mean since its start"]


def test_iperf3_3_1_and_sysstat_10_are_read(tree):
    folder = one(tree, f"{BASELINE}/pps/single_*")
    (folder / "pps_single_tcp.json").unlink()
    shutil.copy(DATA / "iperf3/udp_3.1.7.json", folder / "pps_single_udp.json")
    monitor = one(tree, f"{MONITORS}/ebpf_resource_monitor_*.log")
    shutil.copy(DATA / "pidstat/sysstat_10.txt", monitor)
    reading = read(tree)
    assert value(reading, "baseline", "pps_single_udp", "datagrams_per_s") == 39000
    assert status(reading, monitor.relative_to(tree)) == ("read", "")


def test_each_layer_has_its_own_order_and_nodes(tree):
    for side in ("client", "server"):
        base = tree / f"iteration_001/host-{side}/performance-test-results"
        vm = tree / f"iteration_001/vm-{side}/performance-test-results"
        shutil.copytree(base / "baseline/host", vm / "baseline/vm")
        if side == "client":
            shutil.copytree(base / TOOL, vm / TOOL.replace("/host", "/vm"))
        else:
            shutil.copytree(base / TOOL, base / TOOL.replace("/host", "/vm"))
    vm_cells = only(read(tree).cells, layer="vm")
    assert vm_cells.height == 12
    assert set(vm_cells["client"]) == {"vm-client"}
    assert set(only(vm_cells, kind="tool")["tool_host"]) == {"host-server"}
    assert vm_cells.group_by("position").len().height == 2


def test_a_second_run_of_a_workload_has_its_own_position(tree):
    for base in (tree / "iteration_001").glob("*/*/baseline/host/*_results/latency"):
        for folder in list(base.glob("tcp_rr_*")):
            shutil.copytree(folder, folder.with_name("tcp_rr_20261122_140000"))
    baseline = only(read(tree).cells, case="baseline", workload="latency_tcp_rr")
    assert baseline.sort("position")["position"].to_list() == [0, 3]


def test_two_cases_of_one_name_keep_their_numbers(tree):
    for node in (tree / "iteration_001").iterdir():
        ebpf = node / "performance-test-results/ebpf"
        shutil.copytree(ebpf / "summ_case_1_tcp_rx_9d5e19", ebpf / "summ_case_7_tcp_rx_0a1b2c")
    assert set(read(tree).cells["case"]) == {
        "baseline", "det_rx_protocol_tcp",
        "summ_rx_protocol_tcp_case_1", "summ_rx_protocol_tcp_case_7",
    }  # fmt: skip
