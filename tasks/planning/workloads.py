"""config/workloads.yaml: the workloads by name, and the sets that are run together."""

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..model.errors import InputError, raise_all
from ..model.names import CONFIG, Identifier
from ..model.plan import Workload

WORKLOADS_FILE = CONFIG / "workloads.yaml"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["throughput", "latency", "pps"]
    protocol: Literal["tcp", "udp"]
    streams: int = Field(default=1, ge=1, le=64)
    bandwidth: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?[KMGTkmgt]?$")
    length: int | None = Field(default=None, ge=1, le=65507)
    affinity: str | None = Field(default=None, pattern=r"^\d+[,/]\d+$")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    window_s: int = Field(ge=1)
    warmup_s: int = Field(ge=0)
    workloads: dict[Identifier, _Entry]
    sets: dict[Identifier, list[Identifier]]


def read_workloads(
    names: tuple[str, ...] = ("full",),
    *,
    file: Path = WORKLOADS_FILE,
    window_s: int | None = None,
    warmup_s: int | None = None,
    streams: int | None = None,
    affinity: str | None = None,
) -> tuple[Workload, ...]:
    """The workloads of these names or sets, in the file's order; settings given here win.

    streams: of the multi-stream workloads. Raises InputError for what the file does not have.
    """
    read = _read(file)
    wanted: set[str] = set()
    errors = []
    for name in names:
        if name not in read.sets and name not in read.workloads:
            close = get_close_matches(name, [*read.sets, *read.workloads])
            expected = f"one of {', '.join(close or [*read.sets, *read.workloads])}"
            errors.append(InputError("--workloads", name, "unknown workload or set", expected))
        wanted.update(read.sets.get(name, [name]))
    raise_all(errors)
    found = (
        Workload(
            name=name,
            program="netperf" if entry.kind == "latency" else "iperf3",
            window_s=float(window_s or read.window_s),
            warmup_s=float(read.warmup_s if warmup_s is None else warmup_s),
            **entry.model_dump(),
        )
        for name, entry in read.workloads.items()
        if name in wanted
    )
    return tuple(
        replace(
            w,
            streams=streams if streams and w.streams > 1 else w.streams,
            affinity=affinity or w.affinity,
        )
        for w in found
    )


def _read(file: Path) -> _File:
    try:
        read = _File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(str(file), "", f"cannot be read: {error}") from error
    except ValidationError as error:
        raise_all(
            [InputError(str(file), ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        )
        raise
    raise_all(
        [
            InputError(str(file), f"sets.{name}", f"unknown workload {workload!r}",
                       f"one of {', '.join(read.workloads)}")
            for name, members in read.sets.items()
            for workload in members
            if workload not in read.workloads
        ]
    )  # fmt: skip
    return read
