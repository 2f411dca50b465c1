"""The options that commands share, and how they become settings. Names are those people know."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from tasks.model.errors import InputError, raise_all

ConfigDir = Annotated[list[Path], typer.Option(help="A folder that bootstrap wrote; repeatable.")]
Tools = Annotated[str, typer.Option(help="Tools by name, comma-separated.")]
Layers = Annotated[str, typer.Option(help="host, vm or both, comma-separated.")]
Category = Annotated[str | None, typer.Option(help="A category or the beginning of one.")]
Protocol = Annotated[str | None, typer.Option(help="tcp, udp or icmp: what the tool watches.")]
Direction = Annotated[str | None, typer.Option(help="rx or tx: what the tool watches.")]
CaseIds = Annotated[str, typer.Option(help="Cases by number, comma-separated.")]
Iterations = Annotated[int, typer.Option(min=1, help="Passes over all cases.")]
Window = Annotated[int, typer.Option(min=1, help="Measured seconds of a cell.")]
Warmup = Annotated[int, typer.Option(min=0, help="Seconds before the window.")]
Workloads = Annotated[
    str,
    typer.Option(
        help="Workloads or sets of config/workloads.yaml; with "
        "'matching', those whose protocol the tool watches."
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of the order; default: a fresh one.")]
Placebos = Annotated[int, typer.Option(min=0, help="Cases an iteration that attach nothing.")]
Every = Annotated[
    int,
    typer.Option(min=1, help="Cases between two baselines; of many cases, 8 save a tenth."),
]
Monitor = Annotated[int, typer.Option(min=1, help="pidstat's interval, seconds.")]
Attribution = Annotated[int, typer.Option(min=0, help="Seconds of the BPF counting pass; 0: none.")]
Budget = Annotated[str | None, typer.Option(help="Time to end within: 6h, 90m.")]
Affinity = Annotated[str | None, typer.Option(help="CPUs of client,server to pin loads to.")]
Results = Annotated[Path, typer.Option(help="Where raw results go.")]


def _without_credentials(address: str) -> str:
    if "@" in address:
        raise InputError(
            "--datasets", "", "credentials in an address are stored with the run and shown",
            "the address alone; the store's own environment variables hold the key",
        )  # fmt: skip
    return address


Datasets = Annotated[
    str,
    typer.Option(callback=_without_credentials, help="Where the parquet datasets lie."),
]
Output = Annotated[Path, typer.Option(help="Where reports go.")]
Lang = Annotated[str, typer.Option(help="zh, en or both, comma-separated.")]


def selection(
    tools: str, layers: str, category: str | None, protocol: str | None, direction: str | None,
    case_ids: str,
) -> Any:  # fmt: skip
    from tasks.model.settings import Selection

    return checked(
        Selection,
        tools=words(tools),
        layers=words(layers),
        category=category,
        protocol=protocol,
        direction=direction,
        case_ids=words(case_ids),
    )


def checked(kind: Any, **values: Any) -> Any:
    """A settings model; what it refuses is an error of the command line."""
    from pydantic import ValidationError

    try:
        return kind(**values)
    except ValidationError as error:
        raise_all(
            [
                InputError(_option(str(e["loc"][0])), str(e.get("input")), e["msg"])
                for e in error.errors()
            ]
        )
        raise


def _option(field: str) -> str:
    """What the field is called on the command line: `window_s` is `--window`."""
    name = re.sub(r"_(s|h|mib|1m)$", "", field).replace("_", "-")
    return {"--keep-on-hosts": "--no-cleanup"}.get(f"--{name}", f"--{name}")


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def measurement(
    iterations: int, window: int, warmup: int, workloads: str, seed: int | None, placebos: int,
    baseline_every: int, monitor_interval: int, attribution: int, affinity: str | None,
    **more: Any,
) -> Any:  # fmt: skip
    from tasks.model.settings import Measurement

    return checked(
        Measurement,
        iterations=iterations,
        window_s=window,
        warmup_s=warmup,
        workloads=words(workloads),
        seed=seed,
        placebos=placebos,
        baseline_every=baseline_every,
        monitor_interval_s=monitor_interval,
        attribution_s=attribution,
        affinity=affinity,
        **more,
    )


def languages(text: str) -> list[Any]:
    wanted = words(text)
    for word in wanted:
        if word not in ("zh", "en"):
            raise InputError("--lang", word, "unknown language", "zh, en or zh,en")
    return wanted


def hours_s(budget: str | None) -> float | None:
    """`6h`, `90m` or `1.5h` as seconds."""
    if budget is None:
        return None
    number, unit = budget[:-1], budget[-1:]
    try:
        seconds = float(number) * {"h": 3600, "m": 60}[unit]
    except (ValueError, KeyError):
        raise InputError(
            "--budget", budget, "not a time", "a number with h or m, e.g. 6h"
        ) from None
    if not seconds > 0:
        raise InputError("--budget", budget, "not a time", "more than none")
    return seconds
