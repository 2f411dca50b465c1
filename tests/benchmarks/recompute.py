"""Are the numbers of a report those of its raw files? Recomputes them with code of its own.

    python -m tests.benchmarks.recompute RUN_FOLDER DATASETS

RUN_FOLDER: one environment of one run, e.g. results/<run>/demo. Nothing of this project is
imported: iperf3's JSON, netperf's output, the snapshots of /proc and the log's sizes are read with
the standard library. Compared with the datasets that the report is made from:

- every cell's throughput, latency, packet rate, tool CPU and log growth, which must be equal;
- the cost in tool CPU and log growth: the mean over the iterations, which must be equal;
- the cost in traffic: here the plain mean of each cell's difference from the line between its two
  baselines. The report's joint estimate must lie within this mean's own 95 % interval, or within
  1 percentage point of it.

Tail workloads are left out. `recompute_page.py` goes on to the page. Exits 1 if a number differs.
"""

import argparse
import json
import math
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

_T975 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20)
"""Student's t at 0.975 for 1, 2, … degrees of freedom; beyond the last: that one."""

LATENCY, THROUGHPUT, PACKETS = "latency_mean_us", "throughput_bps", "datagrams_per_s"
CPU, LOG = "tool_cpu_pct", "log_mib_per_min"


@dataclass
class Cell:
    """One measured cell: its place, the middle of its window, its values by metric."""

    layer: str
    iteration: int
    position: int
    attempt: int
    case: str
    tool: str
    kind: str
    workload: str
    t_s: float
    values: dict[str, float] = field(default_factory=dict)


def cells(run: Path) -> Iterator[Cell]:
    """Every cell whose load ran to its end; gates are not judged here."""
    for iteration in sorted(run.glob("iteration_*")):
        for slot_file in iteration.glob("*/performance-test-results/**/metadata_*.json"):
            tree = next(p for p in slot_file.parents if p.name == "performance-test-results")
            slot = json.loads(slot_file.read_text())
            for file in slot_file.parent.glob("client_results/*/*/metadata.json"):
                record = json.loads(file.read_text())
                if record["slot"] == slot_file.relative_to(tree).as_posix():
                    yield _cell(iteration, tree.parent.name, slot, record)


def _cell(iteration: Path, client: str, slot: dict, record: dict) -> Cell:  # type: ignore[type-arg]
    def folder(side: str, node: str) -> Path:
        return iteration / node / "performance-test-results" / str(record["folders"][side])

    workload = record["workload"]
    start, end = _snapshots(folder("server", slot["server"]) / "snapshots.log")
    cell = Cell(
        slot["layer"], slot["iteration"], slot["position"], slot["attempt"], slot["case"]["name"],
        slot["case"]["tool"], slot["case"]["kind"], workload["name"],
        (start["epoch_s"] + end["epoch_s"]) / 2,
    )  # fmt: skip
    ports = [] if workload["kind"] == "tail" else record["ports"]
    files = [
        next(folder("client", client).glob(f"{workload['program']}_client_{port}.[jt]*"))
        for port in ports
    ]
    if workload["kind"] == "latency":
        cell.values[LATENCY] = _netperf(files[0].read_text())
    elif files:
        totals = [json.loads(file.read_text())["end"] for file in files]
        received = [total.get("sum_received") or total["sum"] for total in totals]
        if workload["kind"] == "throughput":
            cell.values[THROUGHPUT] = sum(one["bits_per_second"] for one in received)
        elif workload["protocol"] == "udp":
            # lost_packets also counts the seconds before the window, bytes does not
            cell.values[PACKETS] = sum(
                one["bytes"] / workload["length"] / one["seconds"] for one in received
            )
    if slot["tool"] is not None:
        at = folder("monitor", slot["tool_host"])
        if slot["tool_host"] != slot["server"]:
            start, end = _snapshots(at / "snapshots.log")
        pid, seconds = str(slot["tool"]["pid"]), end["uptime_s"] - start["uptime_s"]
        cell.values[CPU] = (_ticks(end, pid) - _ticks(start, pid)) / seconds  # 100 ticks a second
        if (growth := _growth(at / "logsize.log", start["epoch_s"], end["epoch_s"])) is not None:
            cell.values[LOG] = growth
    return cell


def _snapshots(file: Path) -> list[dict]:  # type: ignore[type-arg]
    """Start and end: epoch and uptime in s, and the stat lines of processes."""
    found = []
    for text in file.read_text().split("@ ")[1:3]:
        lines = text.splitlines()
        stats = [line for line in lines if line[:1].isdigit() and " (" in line and ")" in line]
        found.append(
            {"epoch_s": float(lines[1]), "uptime_s": float(lines[2].split()[0]), "stats": stats}
        )
    return found


def _ticks(snapshot: dict, session: str) -> int:  # type: ignore[type-arg]
    """utime, stime, cutime and cstime of the processes of that session."""
    fields = [line.rpartition(")")[2].split() for line in snapshot["stats"]]
    return sum(sum(map(int, one[11:15])) for one in fields if one[3] == session)


def _netperf(text: str) -> float:
    header, values = next(
        (a.split(","), b.split(","))
        for a, b in zip(text.splitlines(), text.splitlines()[1:], strict=False)
        if "Mean Latency" in a
    )
    return float(values[header.index("Mean Latency Microseconds")])


def _growth(file: Path, start_s: float, end_s: float) -> float | None:
    sizes = []
    for line in file.read_text().splitlines():
        day, clock, size = line.split()[:3]
        whole, _, fraction = clock.partition(".")
        moment = datetime.fromisoformat(f"{day} {whole}").replace(tzinfo=UTC).timestamp()
        sizes.append((moment + float(f"0.{fraction or 0}"), int(size)))
    inside = [one for one in sizes if start_s <= one[0] <= end_s]
    if len(inside) < 2 or inside[-1][0] - inside[0][0] < (end_s - start_s) / 3:
        return None
    return (inside[-1][1] - inside[0][1]) / 2**20 / (inside[-1][0] - inside[0][0]) * 60


def costs(measured: list[Cell]) -> dict[tuple[str, str, str, str], list[float]]:
    """layer, case, workload, metric -> one value per iteration: log ratio, % of a CPU, MiB/min."""
    baselines = [cell for cell in measured if cell.kind == "baseline"]
    found: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for cell in (cell for cell in measured if cell.kind != "baseline"):
        key = (cell.layer, cell.case, cell.workload)
        beside = [b for b in baselines if (b.layer, b.iteration, b.workload) ==
                  (cell.layer, cell.iteration, cell.workload)]  # fmt: skip
        left = max((b for b in beside if b.t_s < cell.t_s), key=lambda b: b.t_s, default=None)
        right = min((b for b in beside if b.t_s > cell.t_s), key=lambda b: b.t_s, default=None)
        for metric, value in cell.values.items():
            if metric in (CPU, LOG):
                found[*key, metric].append(value)
            elif left is not None and right is not None:
                y = [math.log(b.values[metric]) for b in (left, right)]
                w = (cell.t_s - left.t_s) / (right.t_s - left.t_s)
                found[*key, metric].append(math.log(value) - (1 - w) * y[0] - w * y[1])
    return found


def counting(run: Path, datasets: Path) -> list[Cell]:
    """The cells that passed, the last attempt of each."""
    place = ["layer", "iteration", "position", "workload", "attempt"]
    valid = set(table("cells", run, datasets).filter(status="passed").select(place).rows())
    measured = [
        cell for cell in cells(run)
        if (cell.layer, cell.iteration, cell.position, cell.workload, cell.attempt) in valid
    ]  # fmt: skip
    last: dict[tuple[str, int, str, str], int] = {}
    for cell in measured:
        at = (cell.layer, cell.iteration, cell.case, cell.workload)
        last[at] = max(last.get(at, 0), cell.attempt)
    return [
        cell for cell in measured
        if cell.kind == "baseline"
        or cell.attempt == last[cell.layer, cell.iteration, cell.case, cell.workload]
    ]  # fmt: skip


def table(name: str, run: Path, datasets: Path) -> pl.DataFrame:
    stored = pl.scan_parquet(datasets / name / "**/*.parquet", hive_partitioning=True)
    of_run = (pl.col("run") == run.parent.name, pl.col("environment") == run.name)
    return stored.filter(*of_run).collect()


def ends(metric: str, values: list[float]) -> tuple[float, float, float]:
    """The plain mean of a cost between the ends of its 95 % interval, in the report's unit."""
    mean, n = statistics.mean(values), len(values)
    half = math.inf
    if n > 1:
        half = _T975[min(n - 2, 10)] * statistics.stdev(values) / math.sqrt(n)
    found = [mean - half, mean, mean + half]
    if metric not in (CPU, LOG):
        sign = 1 if metric == LATENCY else -1
        found = sorted(100 * sign * _expm1(end) for end in found)
    return found[0], found[1], found[2]


def _expm1(end: float) -> float:
    return math.inf if end == math.inf else math.expm1(end)


def compare(run: Path, datasets: Path) -> list[str]:
    """What differs, a line each; prints what was compared."""
    wrong, worst = [], 0.0
    place = ["layer", "iteration", "position", "workload", "attempt"]
    samples = table("samples", run, datasets).select(*place, "metric", "value")
    stored = {row[:6]: row[6] for row in samples.rows()}
    measured = counting(run, datasets)
    compared = 0
    for cell in measured:
        for metric, value in cell.values.items():
            key = (cell.layer, cell.iteration, cell.position, cell.workload, cell.attempt, metric)
            theirs = stored.get(key)
            compared += 1
            if theirs is None or not math.isclose(value, theirs, rel_tol=1e-6, abs_tol=1e-9):
                wrong.append(f"{key}: {value} here, {theirs} in the datasets")
    print(f"{len(measured)} cells, {compared} values compared, {len(wrong)} differ")
    key_and_cost = ("layer", "case", "workload", "metric", "estimate", "ci_low", "ci_high")
    effects = table("effects", run, datasets).select(key_and_cost)
    shown = {row[:4]: row[4:] for row in effects.rows()}
    print("case · workload · metric: plain mean [95 %] here, estimate [95 %] in the report")
    for effect, values in sorted(costs(measured).items()):
        lower, mean, upper = ends(effect[3], values)
        estimate, low, high = shown.get(effect, (None, None, None))
        if estimate is None:
            wrong.append(f"{effect}: {mean:.4g} here, nothing in the datasets")
            continue
        exact = effect[3] in (CPU, LOG)
        off = abs(estimate - mean)
        worst = max(worst, 0.0 if exact else off)
        print(f"{' · '.join(effect[1:])}: {mean:.4g} [{lower:.4g}, {upper:.4g}], "
              f"{estimate:.4g} [{low}, {high}]")  # fmt: skip
        fits = math.isclose(estimate, mean, rel_tol=1e-6, abs_tol=1e-9) or (
            not exact and (lower <= estimate <= upper or off <= 1)
        )
        if not fits:
            wrong.append(f"{effect}: {mean:.4g} here, {estimate:.4g} in the datasets")
    print(f"largest distance of an estimate from the plain mean: {worst:.2f} points")
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run_folder", type=Path)
    parser.add_argument("datasets", type=Path)
    given = parser.parse_args()
    differing = compare(given.run_folder, given.datasets)
    print("\n".join(differing) or "every number agrees")
    sys.exit(bool(differing))
