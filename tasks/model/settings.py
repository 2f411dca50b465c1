"""What a person chooses for a campaign: which cases, and how they are measured.

Defaults are literal, so that a form made from the schema shows them.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from .environment import Layer


class Switch(StrEnum):
    """What joins the hosts of a lab."""

    BRIDGE = "bridge"
    OVS = "ovs"


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Selection(_Settings):
    """Which of an environment's cases to measure. Nothing chosen: all of them."""

    tools: list[str] = Field(default=[], description="Tools by name, e.g. eth_drop")
    layers: list[Layer] = Field(default=[], description="Where the traffic runs: host, vm")
    category: str | None = Field(default=None, description="Category or the beginning of one")
    protocol: Literal["tcp", "udp", "icmp"] | None = Field(
        default=None, description="Protocol watched"
    )
    direction: Literal["rx", "tx"] | None = Field(default=None, description="Direction watched")
    case_ids: list[int] = Field(default=[], description="Cases by number")


class Measurement(_Settings):
    """How the cases are measured."""

    iterations: int = Field(default=4, ge=1, le=100, description="Passes over all cases")
    until_decided: bool = Field(
        default=False,
        description="Stop measuring a case once it is decided; iterations is then the most",
    )
    budget_h: float | None = Field(
        default=None, gt=0, description="Hours in which the measuring has to end"
    )
    window_s: int = Field(default=10, ge=1, le=3600, description="Measured seconds of a cell")
    warmup_s: int = Field(
        default=1, ge=0, le=60, description="Seconds before the window, not measured"
    )
    workloads: list[str] = Field(
        default=["full"], description="Workloads or sets of config/workloads.yaml, and `matching`"
    )
    streams: int = Field(
        default=4, ge=2, le=64, description="Load processes of a multi-stream workload"
    )
    affinity: str | None = Field(
        default=None,
        pattern=r"^\d+[,/]\d+$",
        description="CPU of client,server that loads are pinned to, e.g. 0,1",
    )
    seed: int | None = Field(default=None, ge=0, description="Of the order; not given: a fresh one")
    baseline_every: int = Field(default=4, ge=1, description="Cases between two baselines")
    placebos: int = Field(
        default=2, ge=0, description="Cases that attach nothing, in every iteration"
    )
    cooldown_s: float = Field(default=0.0, ge=0, description="Pause before every case")
    monitor_interval_s: int = Field(default=2, ge=1, description="pidstat's interval")
    attribution_s: int = Field(
        default=2, ge=0, description="Length of the pass that counts BPF programs"
    )
    attribution_rate: str = Field(default="30M", description="Its paced load: iperf3 -u -l 64 -b …")
    log_cap_mib: int = Field(
        default=256, ge=1, description="A tool's output is emptied at this size"
    )
    max_load: float | None = Field(
        default=None, description="1-minute load that counts as busy; not given: number of CPUs"
    )
    min_free_mib: int = Field(default=512, ge=1, description="Free disk a work directory must have")
    keep_on_hosts: bool = Field(default=False, description="Leave raw results on the hosts as well")
