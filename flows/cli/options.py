"""Options that are declared by hand and shared by commands, and the texts that they take."""

import math
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tasks.model.errors import InputError, raise_all
from tasks.model.settings import Switch


def _without_credentials(address: str) -> str:
    if "@" in address:
        raise InputError(
            "--datasets", "", "credentials in an address are stored with the run and shown",
            "the address alone; the store's own environment variables hold the key",
        )  # fmt: skip
    return address


CONFIG_DIR = "A folder that bootstrap wrote, or its name below config/environments."
ConfigDir = Annotated[list[Path], typer.Option(help=f"{CONFIG_DIR} Repeatable.")]
Budget = Annotated[str | None, typer.Option(help="Time limit of the measurement: 6h, 90m.")]
Results = Annotated[Path, typer.Option(help="Folder for raw results.")]
Datasets = Annotated[
    str,
    typer.Option(
        callback=_without_credentials, help="Folder or object store of the parquet datasets."
    ),
]
Output = Annotated[Path, typer.Option(help="Folder for reports.")]
LANGUAGES = ("zh", "en")
Lang = Annotated[str, typer.Option(help="Languages of the report: zh, en; comma-separated.")]
Margins = Annotated[
    Path | None, typer.Option(help="File of margins; default: config/margins.yaml.")
]
TreeEnvironment = Annotated[
    str | None,
    typer.Option("--environment", help="Environment of a tree of the published framework."),
]
TreeRun = Annotated[str | None, typer.Option("--run", help="Run id of such a tree.")]
Form = Annotated[
    Literal["table", "json"],
    typer.Option("--format", help="Tables, or one JSON document (deployments/OUTPUT.md)."),
]
Export = Annotated[
    list[Path],
    typer.Option(
        help="Also write the result for programs: F.json, F.xml (JUnit), F.md, F.prom "
        "(OpenMetrics). Repeatable."
    ),
]
Enforce = Annotated[
    Path | None, typer.Option(help="A budget file; exit 3 if a cost is proven to exceed it.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="With --enforce: also if a cost is not proven within.")
]
LabSwitch = Annotated[Switch, typer.Option(help="What connects the hosts.")]


def comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def one_or_more_of(allowed: Collection[str], option: str, text: str) -> list[Any]:
    """The values of a comma-separated option. Raises InputErrors for all that are not allowed."""
    values = comma_separated(text)
    wrong = [value for value in values if value not in allowed]
    expected = "some of " + ", ".join(allowed)
    raise_all([InputError(option, value, "unknown", expected) for value in wrong])
    return values


def languages_of(text: str) -> list[Any]:
    """The languages of a `--lang`. Raises InputErrors, also for none at all."""
    languages = one_or_more_of(LANGUAGES, "--lang", text)
    if not languages:
        raise InputError("--lang", "", "none given", "some of " + ", ".join(LANGUAGES))
    return languages


def budget_hours(text: str | None) -> float | None:
    """`6h`, `90m` or `1.5h` as hours."""
    if text is None:
        return None
    try:
        hours = float(text[:-1]) / {"h": 1, "m": 60}[text[-1:]]
    except (ValueError, KeyError):
        hours = 0.0
    if not 0 < hours < math.inf:
        raise InputError("--budget", text, "not a time", "a number above 0 with h or m, e.g. 6h")
    return hours
