"""The settings of a campaign: which cases are measured, and how.

The command line's options and the UI's form are made from these models: a field's description is
its help text. Defaults are literal, so that the form shows them.
"""

import random
from dataclasses import fields
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from .environment import Layer
from .plan import Design


class Switch(StrEnum):
    """What connects the hosts of a lab."""

    BRIDGE = "bridge"
    OVS = "ovs"


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Selection(_Settings):
    """Which of an environment's cases to measure; by default, all of them."""

    catalog: list[str] = Field(
        default=[],
        description="Catalogues whose tools are measured instead of the environment's: bcc, "
        "bpftrace, libbpf-tools or a file",
    )
    tools: list[str] = Field(default=[], description="Tools by name, e.g. eth_drop")
    layers: list[Layer] = Field(default=[], description="Where the traffic runs: host, vm")
    category: str | None = Field(
        default=None, description="A tool category, or the beginning of one"
    )
    protocol: Literal["tcp", "udp", "icmp"] | None = Field(
        default=None, description="Protocol that the tool watches"
    )
    direction: Literal["rx", "tx"] | None = Field(
        default=None, description="Direction that the tool watches"
    )
    case_ids: list[int] = Field(default=[], description="Cases by number")
    together: list[str] = Field(
        default=[],
        description="Tools that are also measured at once, joined by +, each of them measured by "
        "itself as well: a+b",
    )


class Measurement(_Settings):
    """How the cases are measured."""

    iterations: int = Field(default=4, ge=1, le=100, description="Passes over all cases")
    until_decided: bool = Field(
        default=False,
        description="Stop measuring each workload of a case once it is decided; iterations is "
        "then the maximum",
    )
    budget_h: float | None = Field(
        default=None, gt=0, description="Hours within which the measurement has to end"
    )
    windows: Literal["preset", "auto"] = Field(
        default="preset",
        description="preset: one length for all workloads; auto: the lengths, and iterations up to "
        "the given ones, that decide in the least time, by the stored variances",
    )
    window_s: int = Field(default=10, ge=1, le=3600, description="Measured seconds of each cell")
    warmup_s: int = Field(
        default=1, ge=0, le=60, description="Seconds of load before the window, not measured"
    )
    workloads: list[str] = Field(
        default=["full"],
        description="Workloads or sets of config/workloads.yaml; with 'matching', each case runs "
        "only those whose protocol its tool watches",
    )
    streams: int = Field(
        default=4, ge=2, le=64, description="Load processes of a multi-stream workload"
    )
    affinity: str | None = Field(
        default=None,
        pattern=r"^\d+[,/]\d+$",
        description="CPUs that the loads are pinned to, client,server, e.g. 0,1",
    )
    seed: int | None = Field(
        default=None, ge=0, description="Seed of the case order; without one: drawn at random"
    )
    baseline_every: int = Field(
        default=4,
        ge=1,
        description="Cases between two baselines; from 40 cases on, 12 saves an eighth of the time",
    )
    placebos: int = Field(
        default=2, ge=0, description="Cases in every iteration that attach nothing"
    )
    cooldown_s: float = Field(default=0.0, ge=0, description="Seconds of pause before every case")
    monitor_interval_s: int = Field(
        default=2, ge=1, description="Seconds between two pidstat samples"
    )
    attribution_s: int = Field(
        default=2,
        ge=0,
        description="Seconds of the extra pass that counts each BPF program's runs and time; "
        "0: no such pass",
    )
    attribution_rate: str = Field(
        default="30M", description="Paced load of that pass: iperf3 -u -l 64 -b RATE"
    )
    log_cap_mib: int = Field(
        default=256, ge=1, description="MiB at which a tool's output file is emptied"
    )
    max_load: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="1-minute load above which a host is busy; without one: its number of CPUs",
    )
    min_free_mib: int = Field(
        default=512, ge=1, description="MiB that a work directory must have free"
    )
    keep_on_hosts: bool = Field(default=False, description="Leave raw results on the hosts as well")

    def design(self) -> Design:
        """The design of a plan with these settings; its seed is drawn where none is given."""
        shared = {field.name for field in fields(Design)} & type(self).model_fields.keys()
        return Design(
            seed=random.randrange(2**31) if self.seed is None else self.seed,
            max_load_1m=self.max_load,
            budget_s=None if self.budget_h is None else self.budget_h * 3600,
            **self.model_dump(include=shared - {"seed"}),
        )
