"""From an environment and its tools to numbered cases, and the published cases.json.

The order is the catalogue's: each tool, each combination of its matrix, each direction.
"""

import itertools
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..model.catalog import PLACEHOLDER, Catalog, Placebo, Traits, has_direction, placeholders
from ..model.clock_kind import Clock
from ..model.documents import read_text
from ..model.environment import Layer, Pair
from ..model.errors import InputError
from ..model.full import FullCategory, FullConfig, FullTool, environment_of
from ..model.plan import Case, CaseKind
from .attaching import attach_points, symbols_in

PLACEBO = Path(__file__).with_name("placebo.sh")
Parameters = dict[str, str]


def expand(full: FullConfig, catalog: Catalog) -> tuple[Case, ...]:
    """Every case of the environment, numbered from 1; one that cannot run here says why.

    The tools are those of `full`; the traits that a published file does not hold are `catalog`'s.
    """
    kernels = _Kernels(full)
    entries = (
        _Entry(name, category, tool, _traits(tool, name, catalog), kernels)
        for name, category in full.tools.categories.items()
        for tool in category.tools
    )
    found = ((entry, parameters) for entry in entries for parameters in entry.combinations())
    return tuple(
        entry.case(number, parameters, full.paths.tools_dir)
        for number, (entry, parameters) in enumerate(found, start=1)
    )


def placebo_case(full: FullConfig, layer: Layer) -> Case:
    """The program that runs like a tool and attaches nothing, as a case of that layer.

    Its number and name come with its place in the schedule.
    """
    placebo = full.tools.placebo or Placebo()
    path = f"{full.paths.tools_dir}/{placebo.script}"
    return Case(
        id=0,
        name="placebo",
        kind=CaseKind.PLACEBO,
        layer=layer,
        command=_command(placebo.command, {"path": path}),
        script=placebo.script,
        tool="placebo",
        env=_AT_REST if full.clock is Clock.INSTRUCTIONS else {},
    )


_AT_REST = {"PLACEBO_PAUSE_S": "3600"}
"""Where instructions are counted, a line a second is 0.5 % of a window: its two new processes."""


class _Kernels:
    """The pairs of an environment, and what is known of the kernels that their tools attach to."""

    def __init__(self, full: FullConfig) -> None:
        self.pairs = environment_of(full).pairs
        self._full = full

    def points(self, script: str, category: str, traits: Traits) -> tuple[str, ...]:
        return attach_points(script, category, traits, self._full.paths.measurement_tools_dir)

    def why_not(self, points: Sequence[str], layer: Layer) -> str | None:
        """Why a tool with these attach points cannot attach there; None: not known to fail."""
        pair = self.pairs.get(layer)
        facts = self._full.facts.get(pair.tool_host.name) if pair else None
        return symbols_in(facts).why_not(points) if facts else None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A tool of a category, and the environment that it is to run in."""

    category_name: str
    category: FullCategory
    tool: FullTool
    traits: Traits
    kernels: _Kernels

    @property
    def pair(self) -> Pair | None:
        """The pair whose traffic it watches; None: there is none."""
        return self.kernels.pairs.get(self.category.environment)

    def combinations(self) -> Iterator[Parameters]:
        """The combinations of the matrix in the file's order, each direction innermost."""
        columns = [
            [(name, value) for value in self._matrix_values(values)]
            for name, values in self.tool.parameters.items()
        ]
        if self.category.directions and has_direction(self.tool.template):
            columns.append([("direction", direction) for direction in self.category.directions])
        return (dict(combination) for combination in itertools.product(*columns))

    def _matrix_values(self, values: Sequence[str]) -> Sequence[str]:
        """The values of one parameter; a list that was not found counts as one empty value."""
        if not isinstance(values, str):
            return values
        found = self.pair.placeholders if self.pair else {}
        return found.get(values.strip("{}"), ()) or ("",)

    def case(self, number: int, parameters: Parameters, tools_dir: str) -> Case:
        script = self.tool.script
        values = {
            "path": f"{tools_dir}/{self.tool.path or f'{self.category_name}/{script}'}",
            **self.tool.values,
            **self._pair_values(parameters.get("direction")),
            **parameters,
        }
        given = {name: value for name, value in values.items() if value}
        skipped = self._why_skipped(given, parameters)
        return _tool_case(
            self.traits,
            self.kernels,
            id=number,
            name=_name(_tool_id(script, self.traits), parameters),
            layer=self.category.environment,
            command="" if skipped else _command(self.tool.template, given),
            script=script,
            category=self.category_name,
            parameters=parameters,
            skipped=skipped,
        )

    def _pair_values(self, direction: str | None) -> dict[str, str]:
        """What discovery found for placeholders, and the addresses as the direction sees them."""
        if self.pair is None:
            return {}
        layer = self.category.environment
        addresses = {
            f"{layer}_LOCAL_IP": self.pair.server_ip,
            f"{layer}_REMOTE_IP": self.pair.client_ip,
        }
        directed = self.category.directions.get(direction or "", {})
        found = self.pair.placeholders.items()
        return {name: value for name, value in found if isinstance(value, str)} | {
            name: addresses.get(value.strip("{}"), value) for name, value in directed.items()
        }

    def _why_skipped(self, given: Mapping[str, str], parameters: Parameters) -> str | None:
        """Why the case cannot run here, or None."""
        if self.pair is None:
            return f"the environment has no {self.category.environment} pair"
        needed = (*self.traits.required, *_positional(self.tool.template))
        missing = dict.fromkeys(
            [
                *(name for name, value in parameters.items() if not value),
                *(name for name in needed if name not in given),
            ]
        )
        return f"nothing was found for {', '.join(missing)}" if missing else None


def _tool_case(
    traits: Traits,
    kernels: _Kernels,
    *,
    script: str,
    category: str,
    layer: Layer,
    skipped: str | None,
    **fields: Any,
) -> Case:
    """The case; one whose tool cannot attach to its host's kernel is skipped with that reason."""
    points = kernels.points(script, category, traits)
    why_not = None if skipped else kernels.why_not(points, layer)
    return Case(
        kind=CaseKind.TOOL,
        script=script,
        category=category,
        layer=layer,
        attaches=points,
        skipped=skipped or why_not,
        cannot_attach=why_not is not None,
        tool=_tool_id(script, traits),
        tool_class=traits.tool_class,
        env=dict(traits.env),
        readiness=traits.readiness.rule(),
        expected_probes=traits.probes,
        package=traits.package,
        events=traits.events.rule() if traits.events else None,
        **fields,
    )


def _traits(tool: FullTool, category: str, catalog: Catalog) -> Traits:
    """The tool's own traits if the file holds any, else those of the catalogue."""
    written = tool.model_fields_set & Traits.model_fields.keys()
    return tool if written else catalog.traits(category, tool.script)


def _tool_id(script: str, traits: Traits) -> str:
    """The script's stem, as the published figures spell it; an installed program's whole name:
    several packages have a runqlat."""
    if traits.package:
        return script.replace("-", "_").replace(".", "_")
    return PurePosixPath(script).stem.replace("-", "_")


def _name(tool: str, parameters: Parameters) -> str:
    """`eth_drop_rx_protocol_tcp`: the direction first, then the matrix."""
    direction = [value for key, value in parameters.items() if key == "direction"]
    rest = [f"{key}_{value}" for key, value in parameters.items() if key != "direction"]
    return "_".join((tool, *direction, *rest)).replace("-", "_")


def _positional(template: str) -> Iterator[str]:
    """Placeholders that no option carries: the command cannot be built without their values."""
    for before, word in itertools.pairwise(shlex.split(template)):
        if not before.startswith("-") and not word.startswith("-"):
            yield from placeholders(word)


def _command(template: str, values: Mapping[str, str]) -> str:
    """The template filled in; an option whose placeholder has no value is left out as a whole."""
    words: list[str] = []
    for word in shlex.split(template):
        if all(name in values for name in placeholders(word)):
            words.append(PLACEHOLDER.sub(lambda match: values[match[1]], word))
        elif not word.startswith("-") and words and words[-1].startswith("-"):
            words.pop()
    return shlex.join(words)


def cases_document(full: FullConfig, cases: Sequence[Case]) -> dict[str, Any]:
    """The published cases.json; a case that cannot run here also holds `skipped`, the reason."""
    return {
        "metadata": {"environment": full.environment, "total_cases": len(cases)},
        "test_cases": [
            {
                "id": case.id,
                "name": case.name,
                "command": case.command,
                "script": case.script,
                "category": case.category,
                "environment": str(case.layer),
                "parameters": case.parameters,
                "duration": full.defaults.duration,
                **({"skipped": case.skipped} if case.skipped and not case.cannot_attach else {}),
            }
            for case in cases
        ],
    }


def write_cases(path: Path, full: FullConfig, cases: Sequence[Case]) -> None:
    document = cases_document(full, cases)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")


def read_cases(path: Path, full: FullConfig, catalog: Catalog) -> tuple[Case, ...]:
    """The cases of a cases.json, with its numbers and commands unchanged.

    A person may have removed cases or corrected a command. What the file does not hold (class,
    readiness …) comes from the environment's tools. Raises InputError.
    """
    text = read_text(path)
    try:
        entries, kernels = json.loads(text)["test_cases"], _Kernels(full)
        return tuple(_read_case(entry, full, catalog, kernels) for entry in entries)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"is not a list of cases ({error})"
        raise InputError(
            str(path), "test_cases", problem, "the file that bootstrap wrote"
        ) from None


def mismatch(generated: Sequence[Case], read: Sequence[Case]) -> str:
    """How the cases of a cases.json differ from those that its full.yaml gives now; "" if not."""
    new, old = ({(case.layer, case.name): case for case in cases} for cases in (generated, read))
    changed = [
        name for (layer, name), case in new.items()
        if (kept := old.get((layer, name))) and (case.command, case.script, case.skipped)
        != (kept.command, kept.script, kept.skipped)
    ]  # fmt: skip
    parts = {
        "other commands": changed,
        "only in full.yaml": [name for layer, name in new if (layer, name) not in old],
        "only in cases.json": [name for layer, name in old if (layer, name) not in new],
    }
    return "; ".join(
        f"{what}: {len(names)} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
        for what, names in parts.items()
        if names
    )


def _read_case(
    entry: dict[str, Any], full: FullConfig, catalog: Catalog, kernels: _Kernels
) -> Case:
    category, script = entry["category"], entry["script"]
    known = full.tools.categories.get(category)
    tool = next((t for t in known.tools if t.script == script), None) if known else None
    return _tool_case(
        _traits(tool, category, catalog) if tool else catalog.traits(category, script),
        kernels,
        id=int(entry["id"]),
        name=str(entry["name"]),
        layer=Layer(entry["environment"]),
        command=str(entry["command"]),
        script=script,
        category=category,
        parameters={key: str(value) for key, value in entry["parameters"].items()},
        skipped=entry.get("skipped"),
    )
