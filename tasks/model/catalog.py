"""The tool catalogue as people write it (config/tools.yaml): what a tool is, how it is started."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from .documents import KeyPath, Mistake, Written, as_mapping, matching, read_document
from .environment import Layer
from .errors import InputError, raise_all
from .fields import Identifier
from .names import CATALOGS, ROOT, config_file
from .plan import Events, PacketDirection, Readiness, ToolClass

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""`{NAME}` in a command. Any other braces are part of the command."""

PLACEHOLDERS = (
    "path",
    "direction",
    "SRC_IP",
    "DST_IP",
    "SERVER_IP",
    "CLIENT_IP",
    "SERVER_INTERFACE",
    "CLIENT_INTERFACE",
    "INTERNAL_INTERFACE",
    "PHY_INTERFACE",
    "VM_INTERFACE",
    "QEMU_PID",
)
"""Names that a command may contain, besides those of the tool's own matrix."""

LIST_PLACEHOLDERS = ("vhost_pids",)
"""Names that may stand for the values of a matrix: lists that discovery finds on the host."""


def _text(value: Any) -> Any:
    """Numbers need no quotes. Booleans do, because YAML also reads `on` and `no` as such."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _command(text: str) -> str:
    try:
        shlex.split(text)
    except ValueError as error:
        raise ValueError(f"is not a command: {str(error).lower()}") from None
    return text


def _extended_regex(text: str) -> str:
    """Refuses what no dialect can read; the host's grep and awk have the last word."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{error}; expected an extended regular expression") from None
    return text


ExtendedRegex = Annotated[str, Field(min_length=1), AfterValidator(_extended_regex)]
ScriptName = Annotated[str, matching(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "a script's file name")]
CategoryName = Annotated[
    str, matching(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*", "a category")
]
_POINT = (
    r"((kprobe|kretprobe|kfunc|kretfunc|fentry|fexit|raw_tracepoint|tp_btf|perf_event):\w+"
    r"|tracepoint:\w+:\w+)"
)
AttachPoints = Annotated[str, matching(rf"{_POINT}( \| {_POINT})*", "an attach point")]
PackageName = Annotated[str, matching(r"[a-z0-9][a-z0-9+.-]+", "a Debian package's name")]
Value = Annotated[str, BeforeValidator(_text), matching(r"[A-Za-z0-9._:,/@%+-]+", "a plain value")]
Values = Annotated[list[Value], Field(min_length=1)]
Command = Annotated[str, AfterValidator(_command)]
ListPlaceholder = Annotated[str, matching(r"\{[a-z_]+\}", "a list or a {placeholder} of one")]
Matrix = dict[Identifier, Values | ListPlaceholder]


class ReadinessRule(Written):
    """When a started tool counts as attached; by default, with one more BPF program than before."""

    line: str | None = Field(default=None, description="a regular expression")
    programs: int | None = Field(default=None, ge=1, description="a number of BPF programs, from 1")
    delay_s: float | None = Field(default=None, ge=0, description="seconds")
    deadline_s: float = Field(default=60.0, gt=0, description="seconds, above 0")

    @model_validator(mode="after")
    def _one(self) -> "ReadinessRule":
        if sum(value is not None for value in (self.line, self.programs, self.delay_s)) > 1:
            raise ValueError("several are set; expected one of line, programs, delay_s")
        try:
            re.compile(self.line or "")
        except re.error as error:
            raise ValueError(f"line: {error}; expected a regular expression") from None
        return self

    def rule(self) -> Readiness:
        return Readiness(self.line, self.programs, self.delay_s, self.deadline_s)


class EventsRule(Written):
    """How a tool's output tells the events that it reported, and what counts them independently."""

    packets: PacketDirection | None = Field(default=None, description="rx, tx or both")
    line: ExtendedRegex = Field(description="an extended regular expression (grep -E)")
    sums: bool = Field(default=False, description="true or false")
    filtered: ExtendedRegex | None = Field(
        default=None, description="an extended regular expression (grep -E)"
    )
    every_s: float = Field(default=0.0, ge=0, le=60, description="seconds, 0 to 60")

    def rule(self) -> Events:
        return Events(self.line, self.packets, self.sums, self.filtered, self.every_s)


class Traits(Written):
    """The properties of a tool apart from its command."""

    tool_class: ToolClass | None = Field(
        default=None, alias="class", description="summary, details_filtered or details_unfiltered"
    )
    env: dict[str, Value] = Field(default={})
    readiness: ReadinessRule = ReadinessRule()
    probes: tuple[Identifier, ...] = Field(default=(), description="kinds of probes, e.g. [kprobe]")
    attaches: tuple[AttachPoints, ...] = Field(
        default=(),
        description="what it attaches to: kprobe:FUNCTION, tracepoint:SYSTEM:EVENT, "
        "raw_tracepoint:EVENT; alternatives with |",
    )
    events: EventsRule | None = None
    required: tuple[Identifier, ...] = Field(
        default=(), description="placeholders without whose value the tool cannot run"
    )
    package: PackageName | None = Field(
        default=None, description="the Debian package that installs the program on its host"
    )


class Tool(Traits):
    """One tool: a command, and a matrix of values for its placeholders."""

    script: ScriptName
    script_on_aarch64: ScriptName | None = None
    matrix: Matrix = Field({}, description="lists of values by parameter")
    command: Command = Field(description="a command with {placeholders}")


class Category(Written):
    """The tools of one folder, and the layer whose traffic they observe."""

    layer: Layer = Field(description="host or vm")
    tools: list[Tool]


class Placebo(Written):
    """A program that runs like a tool and attaches nothing."""

    script: ScriptName = "placebo.sh"
    command: Command = "sh {path}"


class Catalog(Written):
    """All tools to measure. If it defines no placebo, this project's is used."""

    categories: dict[CategoryName, Category]
    placebo: Placebo | None = None

    def traits(self, category: str, script: str) -> Traits:
        """The traits of the tool with that script, on any architecture; empty if there is none."""
        for tool in self.categories[category].tools if category in self.categories else ():
            if script in (tool.script, tool.script_on_aarch64):
                return Traits(**{name: getattr(tool, name) for name in Traits.model_fields})
        return Traits()


def placeholders(command: str) -> tuple[str, ...]:
    """The names in braces, in order."""
    return tuple(PLACEHOLDER.findall(command))


def has_direction(command: str) -> bool:
    """Whether the tool watches one direction only, so that it is measured once for each."""
    return bool({"SRC_IP", "DST_IP", "direction"} & set(placeholders(command)))


def read_catalog(path: Path | None = None) -> Catalog:
    """The file, checked; default: config/tools.yaml. Raises InputErrors, one for each mistake."""
    return read_document(path or config_file("tools.yaml"), Catalog, unknown_placeholders)


def catalog_names() -> list[str]:
    """The catalogues of `config/catalogs`, of the project folder and of the program."""
    folders = (CATALOGS, ROOT / CATALOGS)
    return sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})


def catalog_path(text: str, folder: Path | None = None) -> Path:
    """The file of a catalogue that is given by its name (a file of `config/catalogs`) or its path.

    folder: base of a relative path; default: the current folder. Raises ValueError, which says
    what there is.
    """
    path = (folder or Path()) / Path(text).expanduser()
    if path.is_file():
        return path.resolve()
    if text in catalog_names():
        return config_file(f"{CATALOGS.name}/{text}.yaml").resolve()
    raise ValueError(f"no catalogue {text!r}; expected {', '.join(catalog_names())}, or a file")


def read_catalogs(named: Sequence[str]) -> Catalog:
    """Several catalogues, by name or path, as one. Raises InputErrors; also where two of them have
    a category of the same name."""
    errors: list[InputError] = []
    categories: dict[str, Category] = {}
    placebo = None
    for text in named:
        try:
            found = read_catalog(catalog_path(text))
        except ValueError as error:
            errors.append(InputError("selection", "catalog", str(error)))
            continue
        if common := sorted(categories.keys() & found.categories.keys()):
            problem = f"{text} repeats the category {', '.join(common)}"
            errors.append(InputError("selection", "catalog", problem, "each category once"))
        categories |= found.categories
        placebo = placebo or found.placebo
    raise_all(errors)
    return Catalog(categories=categories, placebo=placebo)


def unknown_placeholders(data: Any) -> Iterator[Mistake]:
    """Placeholders that neither discovery nor the matrix fills; the data may be invalid."""
    for place, tool in _tools(data):
        matrix = as_mapping(tool.get("matrix"))
        known = (*PLACEHOLDERS, *map(str, matrix))
        yield from _unknown((*place, "command"), tool.get("command"), known)
        for key, values in matrix.items():
            yield from _unknown((*place, "matrix", str(key)), values, LIST_PLACEHOLDERS)
    placebo = as_mapping(as_mapping(data).get("placebo"))
    yield from _unknown(("placebo", "command"), placebo.get("command"), ("path",))


def _unknown(place: KeyPath, text: Any, known: Sequence[str]) -> Iterator[Mistake]:
    for name in placeholders(text) if isinstance(text, str) else ():
        if name not in known:
            problem = f"unknown placeholder {{{name}}}"
            yield Mistake(place, problem, f"one of {', '.join(known)}")


def _tools(data: Any) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    for name, category in as_mapping(as_mapping(data).get("categories")).items():
        tools = as_mapping(category).get("tools")
        for index, tool in enumerate(tools if isinstance(tools, list) else ()):
            yield ("categories", str(name), "tools", index), as_mapping(tool)
