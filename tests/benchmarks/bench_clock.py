"""How precise is the instruction clock, and what does it say of a cost that is known?

    python -m tests.benchmarks.bench_clock measure SSH_COMMAND... >boot1.json
    python -m tests.benchmarks.bench_clock report boot1.json boot2.json boot3.json boot4.json
    python -m tests.benchmarks.bench_clock held-out SSH_COMMAND... >other1.json
    python -m tests.benchmarks.bench_clock tools SSH_COMMAND... >instructions.json
    python -m tests.benchmarks.bench_clock compare instructions.json wall.json

`measure` runs windows of 1 s in a machine started with `-icount shift=1` that SSH_COMMAND reaches
as root, with bpftrace, iperf3 and netperf in it; about 5 minutes a boot. `report` prints

- the null: the relative SD between windows, between attaches (medians of the windows between two
  probes), between boots; and the smallest effect that two boots show;
- a known cost: a probe of N additions on `ip_rcv`, two events a transaction, against N. Boots
  repeat to a few ns, but not to the true value: patching code and other memory shift a level by up
  to 12 instructions an event, in every boot alike, so that an interval over boots alone is too
  narrow. `_LAYOUT` is added to it; it was chosen on N = 20, 100, 500, where its coverage proves
  nothing; `held-out` measures others.

`tools` measures some probes of very different costs, once on each clock; `compare` prints the rank
correlation. It says something only where the wall clock's own spread is below the overheads: an
emulated machine beside other load had 24 and 43 %, and correlations of 0.0 and 0.4. One instruction
is 2 ns at `shift=1`.
"""

import json
import math
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr, t

_GUEST = Path(__file__).with_name("clock_guest.py")
_PADDED = (0, 20, 100, 500)
_HELD_OUT = (0, 50, 200)
_TOOLS = (
    0,
    500,
    3000,
    "kprobe:ip_rcv { @ = count(); }",
    "kprobe:ip_rcv { @[kstack(8)] = count(); }",
    "kprobe:tcp_v4_rcv { @s[tid] = nsecs; } kretprobe:tcp_v4_rcv /@s[tid]/ "
    "{ @ = hist(nsecs - @s[tid]); delete(@s[tid]); }",
    "kprobe:__dev_queue_xmit { @[comm] = count(); @b = hist(nsecs); }",
)
_EVENTS = 2  # runs of `ip_rcv` a transaction
_NS = 2.0  # an instruction, at shift=1
_LAYOUT = 12  # instructions an event by which a level moves when code is patched

Boot = list[dict[str, Any]]


def measure(ssh: Sequence[str], probes: Iterable[int | str], loads: Sequence[str] = ()) -> None:
    """Prints what the machine measured: each probe with a phase without one on both sides."""
    sequence: list[int | str | None] = [None]
    for probe in probes:
        sequence += [probe, None]
    wanted = json.dumps({"sequence": sequence, "windows": 3, "loads": list(loads)})
    quoted = "'" + wanted.replace("'", "'\\''") + "'"
    with _GUEST.open() as source:
        subprocess.run((*ssh, f"python3 - {quoted}"), stdin=source, check=True)


def values(boot: Boot, load: str) -> dict[int, list[float]]:
    """Phase -> its windows without a probe."""
    found = defaultdict(list)
    for row in boot:
        if row["load"] == load and row["probe"] is None:
            found[row["phase"]].append(row["value"])
    return found


def spread(boots: Sequence[Boot], load: str) -> dict[str, float]:
    """Relative SD in % between windows of a phase, phases of a boot, boots.

    windows, robust: 1.4826 times the median deviation from the boot's median, which a window with
    some housekeeping of the kernel in it does not move.
    """
    phases = [[[math.log(v) for v in w] for w in values(boot, load).values()] for boot in boots]
    medians = [[statistics.median(w) for w in boot] for boot in phases]
    off = [abs(v - statistics.median(m)) for b, m in zip(phases, medians, strict=True)
           for w in b for v in w]  # fmt: skip
    windows = statistics.mean(statistics.variance(w) for boot in phases for w in boot)
    attaches = statistics.mean(statistics.variance(m) for m in medians)
    boot_sd = statistics.stdev(map(statistics.mean, medians)) if len(boots) > 1 else math.nan
    return {
        "windows": 100 * math.sqrt(windows),
        "windows, robust": 100 * 1.4826 * statistics.median(off),
        "attaches": 100 * math.sqrt(attaches),
        "boots": 100 * boot_sd,
    }


def effects(boots: Sequence[Boot], load: str, probe: int | str) -> list[float]:
    """ns that the probe adds to a transaction or packet, one value a boot."""
    return [1e9 * _added(boot, load, probe) for boot in boots]


def _added(boot: Boot, load: str, probe: int | str) -> float:
    """Against the phases without a probe just before and after it."""
    rows = [row for row in boot if row["load"] == load]
    (phase,) = {row["phase"] for row in rows if row["probe"] == probe}
    beside = [row["value"] for row in rows if row["phase"] in (phase - 1, phase + 1)]
    with_it = [row["value"] for row in rows if row["phase"] == phase]
    return float(1 / statistics.median(with_it) - 1 / statistics.median(beside))


def interval(sample: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval. A boot is one value: its windows are not independent."""
    mean, n = statistics.mean(sample), len(sample)
    half = float(t.ppf(0.975, n - 1)) * statistics.stdev(sample) / math.sqrt(n)
    return mean, mean - half, mean + half


def report(boots: Sequence[Boot]) -> None:
    print(f"relative SD in %, {len(boots)} boots")
    for load in dict.fromkeys(row["load"] for row in boots[0]):
        told = "  ".join(f"{name} {sd:.4f}" for name, sd in spread(boots, load).items())
        print(f"  {load:10}  {told}")
    for load in ("tcp_rr", "udp_rr"):
        known_cost(boots, load)


def known_cost(boots: Sequence[Boot], load: str) -> None:
    """The probe's cost against its length: the part that N adds is 4 ns for each instruction."""
    print(f"{load}: ns a transaction added by N instructions, beyond the probe of none")
    rate = statistics.median(v for boot in boots for w in values(boot, load).values() for v in w)
    none = effects(boots, load, 0)
    mean = statistics.mean(none)
    print(f"  probe of none: {mean:.0f} ns, {mean / _NS / _EVENTS:.0f} instructions an event")
    ns, measured = [], []
    for n in sorted({row["probe"] for row in boots[0] if row["probe"]}):
        beyond = [a - b for a, b in zip(effects(boots, load, n), none, strict=True)]
        mean, low, high = interval(beyond)
        sees, alone = (high - low) / 2, low <= n * _EVENTS * _NS <= high
        low, high = low - _LAYOUT * _EVENTS * _NS, high + _LAYOUT * _EVENTS * _NS
        true = n * _EVENTS * _NS
        print(
            f"  N = {n:3}: {mean:6.0f} [{low:.0f}, {high:.0f}], true {true:.0f}, "
            f"{'covered' if low <= true <= high else 'NOT COVERED'}"
            f"{', by the boots alone too' if alone else ''}; residual "
            f"{(mean - true) / _NS / _EVENTS:+.1f} instructions an event; "
            f"boots agree to ±{sees * rate / 1e7:.3f} %"
        )
        ns += [n] * len(beyond)
        measured += beyond
    slope = sum(n * m for n, m in zip(ns, measured, strict=True)) / sum(n * n for n in ns)
    print(f"  slope {slope:.3f} ns an instruction, true {_EVENTS * _NS:.0f}")
    pairs = [interval(pair)[2] - statistics.mean(pair) for pair in pairwise(none)]
    if pairs:
        seen = statistics.median(pairs)
        print(f"  two boots see {seen:.0f} ns = {seen * rate / 1e7:.3f} % = "
              f"{seen / _NS / _EVENTS:.0f} instructions an event")  # fmt: skip


def compare(instructions: Boot, wall: Boot) -> None:
    for load in sorted({row["load"] for row in wall}):
        added = [[100 * _share(boot, load, probe) for probe in _TOOLS]
                 for boot in (instructions, wall)]  # fmt: skip
        for probe, counted, timed in zip(_TOOLS, *added, strict=True):
            print(f"  {load:10} {counted:+7.2f} % {timed:+7.2f} %  {str(probe)[:60]}")
        rank = float(spearmanr(added[0], added[1]).statistic)
        noise = [spread([boot], load)["attaches"] for boot in (instructions, wall)]
        print(
            f"{load}: rank correlation of {len(_TOOLS)} overheads {rank:.2f}; SD between phases "
            f"without a probe {noise[0]:.2f} % and {noise[1]:.2f} %"
        )


def _share(boot: Boot, load: str, probe: int | str) -> float:
    """The part of a transaction's or packet's time that the probe adds."""
    rows = [row["value"] for row in boot if row["load"] == load and row["probe"] is None]
    return float(_added(boot, load, probe) * statistics.median(rows))


def _read(file: str) -> Boot:
    rows: Boot = json.loads(Path(file).read_text())["rows"]
    return rows


def main() -> None:
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2:], _PADDED)
    elif sys.argv[1:2] == ["held-out"]:
        measure(sys.argv[2:], _HELD_OUT, ("tcp_rr", "udp_rr"))
    elif sys.argv[1:2] == ["tools"]:
        measure(sys.argv[2:], _TOOLS, ("tcp_rr", "pps"))
    elif sys.argv[1:2] == ["report"]:
        report([_read(file) for file in sys.argv[2:]])
    elif sys.argv[1:2] == ["compare"]:
        compare(*map(_read, sys.argv[2:]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
