"""The commands that repeat the campaign."""

import shlex
from collections.abc import Iterator
from typing import Any

from ...model.settings import Measurement
from ..document import Code, Section
from ..view import Row, View, settings

OPTIONS = {
    "iterations": "--iterations", "seed": "--seed", "baseline_every": "--baseline-every",
    "placebos": "--placebos", "cooldown_s": "--cooldown",
    "monitor_interval_s": "--monitor-interval",
    "attribution_s": "--attribution", "attribution_rate": "--attribution-rate",
    "log_cap_mib": "--log-cap", "max_load_1m": "--max-load",
}  # fmt: skip
"""Setting of the design -> option of `run`."""


def section(view: View) -> Section | None:
    """For this program's own runs; another framework's are only analysed again."""
    runs = view.bundle.runs.sort("environment").to_dicts()
    if not runs:
        return None
    blocks = [Code(run["environment"], "\n".join(_commands(view, run))) for run in runs]
    return Section("repeat", view.t("repeat.title"), view.t("repeat.lead"), *blocks)


def _commands(view: View, run: Row) -> Iterator[str]:
    environment = str(run["environment"]).split(" · ")[0]
    if run["source"] == "native":
        yield _run(view, run, environment)
    if run["raw_path"]:
        yield shlex.join(["ebpf-overhead", "analyze", "--iteration-path", run["raw_path"]])


def _run(view: View, run: Row, environment: str) -> str:
    """`run` with every setting that is not the default."""
    design: dict[str, Any] = settings(run["design"]) or {}
    given = {name: design.get(name, run.get(name)) for name in OPTIONS}
    words = ["ebpf-overhead", "run", "--config-dir", f"config/environments/{environment}"]
    if design.get("until_decided"):
        words += ["--until-decided", "--max-iterations", str(given.pop("iterations"))]
    for name, value in given.items():
        if value is not None and (name in ("iterations", "seed") or value != _default(name)):
            words += [OPTIONS[name], f"{value:g}" if isinstance(value, float) else str(value)]
    loads = settings(run["workloads"]) or []
    if loads:
        words += ["--workloads", ",".join(load["name"] for load in loads)]
        for name in ("window_s", "warmup_s"):
            if len(values := {load.get(name) for load in loads}) == 1 and None not in values:
                words += [f"--{name[:-2]}", f"{values.pop():g}"]
        streams = max(load.get("streams") or 1 for load in loads)
        if streams not in (1, _default("streams")):
            words += ["--streams", str(streams)]
    tools = view.bundle.cells.filter(environment=run["environment"], kind="tool")["tool"]
    if names := sorted(set(tools.drop_nulls())):
        words += ["--tools", ",".join(names)]
    quoted = [shlex.quote(word) for word in words]
    return " ".join(f"\\\n    {word}" if word.startswith("--") else word for word in quoted)


def _default(name: str) -> Any:
    field = Measurement.model_fields.get("max_load" if name == "max_load_1m" else name)
    return field.default if field else None
