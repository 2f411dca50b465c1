"""What does `compare` find between two campaigns of two iterations on the instruction clock?

    python -m tests.benchmarks.bench_gate [--seeds 60]

Simulated with the spread that `bench_clock` measured: 0.02 % from run to run, and one window in 20
worse by 0.3 % (housekeeping of the kernel). The margin is 0.1 %. Prints, for true increases, how
often the later campaign is proven worse, how often its placebos withhold the verdict, and the half
width of the interval.
"""

import argparse
import statistics

from tasks.statistics.contrasts import compare_runs
from tasks.statistics.effects import analyze
from tasks.statistics.simulate import METRIC, SimulatedHost

from ..statistics.small_campaign import RULES, effect, simulated

_MARGIN = {METRIC: 0.1}
_QUIET = SimulatedHost(run_sd=0.0002, drift_sd=0.0001)
_ODD = SimulatedHost(run_sd=0.0002, drift_sd=0.0001, outlier_rate=0.05, outlier_size=0.003)
_INCREASES = (0.0, 0.1, 0.2, 0.3, 0.4)


def judged(
    increase: float, host: SimulatedHost, iterations: int, tools: int, seed: int
) -> tuple[str, float | None]:
    """The verdict of case_0, which costs 8 % and then `increase` more, and its half width in %;
    None where a side's placebos withheld it."""
    sides = [
        simulated({"case_0": cost}, iterations, seed, cases=tools, placebos=2, host=host)
        for cost, seed in ((8.0, 2 * seed), (8.0 + increase, 2 * seed + 1))
    ]
    before, after = (analyze(*side, _MARGIN, RULES).effects for side in sides)
    row = effect(compare_runs(before, after, _MARGIN, RULES), case="case_0")
    withheld = row["ci_low"] is None
    return row["verdict"], None if withheld else (row["ci_high"] - row["ci_low"]) / 2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=60)
    seeds = range(parser.parse_args().seeds)
    for name, host in (("quiet", _QUIET), ("with odd windows", _ODD)):
        for iterations, tools in ((2, 1), (2, 4), (4, 1)):
            print(f"{name}, {iterations} iterations, {tools} tools and 2 placebos:")
            for increase in _INCREASES:
                found = [judged(increase, host, iterations, tools, seed) for seed in seeds]
                worse = sum(verdict == "worse" for verdict, _ in found) / len(found)
                widths = [width for _, width in found if width is not None]
                print(
                    f"  +{increase:.1f} %: worse in {worse:4.0%}, withheld in "
                    f"{1 - len(widths) / len(found):4.0%}; ±{statistics.median(widths):.3f} %"
                )


if __name__ == "__main__":
    main()
