"""A campaign on a simulated host: the real plan, interim analyses and stopping, look after look.

The plan is made by `planning.schedule`, its slots are simulated at the times at which the planner
expects them, and after each iteration `tasks.interim_analysis` changes the rest of the plan as it
does while hosts are measured. What comes out is counted: lab hours (`duration_s` of the slots that
were run), cells, wrong verdicts, coverage at the analysis that decided.

The host is that of `statistics.simulate` (same parameters); every workload has a drift of its own.
Not simulated: failed gates, missing cells, repeated blocks, autocorrelation beside the drift.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from tasks.interim_analysis import without_decided
from tasks.model.environment import Layer
from tasks.model.metrics import METRICS, PRIMARY, Metric
from tasks.model.plan import Case, CaseKind, Design, Plan, Slot, Workload
from tasks.planning.schedule import duration_s, make_plan
from tasks.statistics.decision_rules import rules_for
from tasks.statistics.effects import analyze
from tasks.statistics.margins import Margins
from tasks.statistics.scale import from_cost, sign
from tasks.statistics.simulate import SimulatedHost
from tasks.storage.schema import CELLS, SAMPLES

_START = datetime(2026, 1, 1, tzinfo=UTC)

WORKLOADS = (
    Workload("throughput_single_tcp", "throughput", "iperf3", "tcp"),
    Workload("throughput_multi_tcp", "throughput", "iperf3", "tcp", streams=4),
    Workload("throughput_single_udp", "throughput", "iperf3", "udp"),
    Workload("throughput_multi_udp", "throughput", "iperf3", "udp", streams=4),
    Workload("latency_tcp_rr", "latency", "netperf", "tcp"),
    Workload("latency_udp_rr", "latency", "netperf", "udp"),
    Workload("pps_single_tcp", "pps", "iperf3", "tcp"),
    Workload("pps_multi_tcp", "pps", "iperf3", "tcp", streams=4),
    Workload("pps_single_udp", "pps", "iperf3", "udp"),
    Workload("pps_multi_udp", "pps", "iperf3", "udp", streams=4),
)
QUICK = (WORKLOADS[0], WORKLOADS[4], WORKLOADS[8])
MARGINS: Margins = dict.fromkeys(PRIMARY.values(), 3.0)

Costs = Callable[[int, int], float]
"""True cost in percent of a case (its number, from 0) in a workload (its number, from 0)."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is measured, on which host. `noisier`: case -> SD of its runs over the host's run SD."""

    host: SimulatedHost = field(default_factory=SimulatedHost)
    cost: Costs = lambda case, workload: 0.0
    noisier: Mapping[int, float] = field(default_factory=dict)
    cases: int = 97
    workloads: tuple[Workload, ...] = QUICK
    design: Design = field(default_factory=lambda: Design(1, 12, until_decided=True))


@dataclass(frozen=True, slots=True)
class Look:
    """A campaign at one of its analyses: what it has cost until then, and what it says.

    effects: the tools' primary effects, in the columns of EFFECTS and `truth` (cost in percent),
    `noisier`, `decided`, `covered`. The n of a decided one is that of the deciding analysis.
    """

    iteration: int
    hours: float
    cells: int
    effects: pl.DataFrame


def looks(campaign: Campaign, seed: int) -> Iterator[Look]:
    """The analyses of a campaign on one simulated night, until nothing is left to be measured."""
    plan, host = plan_of(campaign, seed), _Host(campaign, seed)
    cells, samples, hours, iteration = CELLS.frame(), SAMPLES.frame(), 0.0, 0
    while slots := [slot for slot in plan.slots if slot.iteration == iteration + 1]:
        iteration += 1
        hours += duration_s(plan, slots) / 3600
        more_cells, more_samples = host.measure(plan, slots)
        cells, samples = pl.concat([cells, more_cells]), pl.concat([samples, more_samples])
        rules = rules_for(plan)
        if iteration in (*rules.analyses, plan.design.iterations):
            analysis = analyze(cells, samples, MARGINS, rules)
            plan, _ = without_decided(plan, analysis.decided, iteration)
            effects = _with_truth(analysis.effects, campaign)
            yield Look(iteration, hours, len(cells), effects)


def measured(campaign: Campaign, seed: int) -> Look:
    """The campaign at its end."""
    *_, last = looks(campaign, seed)
    return last


def plan_of(campaign: Campaign, seed: int) -> Plan:
    """The campaign's plan; its order is the seed's."""
    cases = [
        Case(i + 1, f"case_{i}", CaseKind.TOOL, Layer.HOST, tool=f"tool_{i}")
        for i in range(campaign.cases)
    ]
    design = replace(campaign.design, seed=seed)
    return make_plan("simulated", cases, _placebo, campaign.workloads, design)


def _placebo(layer: Layer) -> Case:
    return Case(0, "placebo", CaseKind.PLACEBO, layer, tool="placebo")


class _Host:
    """The simulated host as time passes: a drift and a regime for each workload."""

    def __init__(self, campaign: Campaign, seed: int) -> None:
        self._campaign, self._rng = campaign, np.random.default_rng(seed)
        host, loads = campaign.host, len(campaign.workloads)
        self._clock_s, self._at_s = 0.0, np.zeros(loads)
        self._drift = self._rng.normal(0.0, host.drift_sd, loads)
        self._bad = self._rng.random(loads) < host.bimodal_rate

    def measure(self, plan: Plan, slots: Sequence[Slot]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """CELLS and SAMPLES of these slots, one after the other."""
        cells, samples = [], []
        for slot in slots:
            case, ends_s = plan.case(slot.case_id, slot.layer), self._clock_s
            ends_s += duration_s(plan, [slot])
            loads = plan.workloads_in(slot)
            self._clock_s = ends_s - sum(w.window_s + w.warmup_s for w in loads)
            for load in loads:
                key = {
                    "environment": plan.environment, "run": "simulated", "layer": str(slot.layer),
                    "iteration": slot.iteration, "position": slot.position, "case": case.name,
                    "workload": load.name, "attempt": slot.attempt,
                }  # fmt: skip
                begins_s = self._clock_s + load.warmup_s
                self._clock_s = begins_s + load.window_s
                cell = {
                    "kind": str(case.kind), "tool": case.tool, "status": "passed",
                    "started": _START + timedelta(seconds=begins_s),
                    "ended": _START + timedelta(seconds=self._clock_s), "window_s": load.window_s,
                }  # fmt: skip
                metric = METRICS[PRIMARY[load.kind, load.protocol]]
                worse = self._worse_by(case, plan.workloads.index(load), metric)
                value = 1e6 * float(np.exp(sign(metric) * worse))
                cells.append(key | cell)
                samples.append(key | {"metric": metric.name, "value": value, "unit": metric.unit})
            self._clock_s = ends_s
        return CELLS.frame(cells), SAMPLES.frame(samples)

    def _worse_by(self, case: Case, load: int, metric: Metric) -> float:
        """What a run at this time is worse than the host's level, on the natural logarithm."""
        host, rng, since_s = self._campaign.host, self._rng, self._clock_s - self._at_s[load]
        self._at_s[load] = self._clock_s
        rho = np.exp(-since_s / host.tau_s)
        change = host.drift_sd * np.sqrt(1 - rho**2) * rng.normal()
        self._drift[load] = rho * self._drift[load] + change
        forgotten = rng.random() > np.exp(
            -since_s / (host.bimodal_dwell_s * (1 - host.bimodal_rate))
        )
        if forgotten:  # the two-state chain, after a time in which it may have changed
            self._bad[load] = rng.random() < host.bimodal_rate
        number = case.id - 1 if case.kind is CaseKind.TOOL else None
        noise = host.run_sd * (1.0 if number is None else self._campaign.noisier.get(number, 1.0))
        cost = 0.0 if number is None else self._campaign.cost(number, load)
        return float(
            self._drift[load]
            + noise * rng.normal()
            + host.outlier_size * (rng.random() < host.outlier_rate)
            + host.bimodal_size * self._bad[load]
            + from_cost(cost, metric)
        )


def _with_truth(effects: pl.DataFrame, campaign: Campaign) -> pl.DataFrame:
    loads = [load.name for load in campaign.workloads]
    truth = pl.DataFrame(
        [
            (f"case_{i}", name, campaign.cost(i, j), campaign.noisier.get(i, 1.0))
            for i in range(campaign.cases)
            for j, name in enumerate(loads)
        ],
        schema={
            "case": pl.String,
            "workload": pl.String,
            "truth": pl.Float64,
            "noisier": pl.Float64,
        },
        orient="row",
    )
    return (
        effects.filter(pl.col("primary"), pl.col("kind") == "tool")
        .join(truth, on=["case", "workload"])
        .with_columns(
            decided=pl.col("stopped").str.starts_with("decided"),
            covered=pl.col("truth").is_between("ci_low", "ci_high"),
        )
    )
