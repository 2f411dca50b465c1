"""From an environment and its tools to numbered cases, and the published cases.json.

The order is the catalogue's: each tool, each combination of its matrix, each direction.
"""

import itertools
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from ..model.catalog import PLACEHOLDER, Catalog, Placebo, Traits, has_direction, placeholders
from ..model.environment import Environment, Layer
from ..model.errors import InputError
from ..model.full import FullCategory, FullConfig, FullTool, environment_of
from ..model.plan import Case, CaseKind

PLACEBO = Path(__file__).with_name("placebo.sh")
Parameters = dict[str, str]


def expand(full: FullConfig, catalog: Catalog) -> tuple[Case, ...]:
    """Every case of the environment, numbered from 1; what cannot run here says why.

    The tools are those of `full`; `catalog` tells the traits that a published file does not hold.
    """
    environment = environment_of(full)
    found = (
        (name, category, tool, parameters)
        for name, category in full.tools.categories.items()
        for tool in category.tools
        for parameters in _combinations(tool, category, environment)
    )
    return tuple(
        _case(number, name, category, tool, parameters, environment, catalog)
        for number, (name, category, tool, parameters) in enumerate(found, start=1)
    )


def placebo_case(full: FullConfig, layer: Layer, number: int) -> Case:
    """The program that runs like a tool and attaches nothing, as a case of that layer."""
    placebo = full.tools.placebo or Placebo()
    path = f"{full.paths.tools_dir}/{placebo.script}"
    return Case(
        id=number,
        name="placebo",
        kind=CaseKind.PLACEBO,
        layer=layer,
        command=_command(placebo.command, {"path": path}),
        script=placebo.script,
        tool="placebo",
    )


def _combinations(
    tool: FullTool, category: FullCategory, environment: Environment
) -> Iterator[Parameters]:
    """The matrix' combinations in written order, each direction innermost."""
    pair = environment.pairs.get(category.environment)
    columns = [
        [(name, value) for value in _values(values, pair.placeholders if pair else {})]
        for name, values in tool.parameters.items()
    ]
    if category.directions and has_direction(tool.template):
        columns.append([("direction", direction) for direction in category.directions])
    return (dict(combination) for combination in itertools.product(*columns))


def _values(values: Sequence[str], found: Mapping[str, str | tuple[str, ...]]) -> Sequence[str]:
    """A matrix' values; those of a list that was not found are one empty value."""
    if not isinstance(values, str):
        return values
    return found.get(values.strip("{}"), ()) or ("",)


def _case(
    number: int,
    category_name: str,
    category: FullCategory,
    tool: FullTool,
    parameters: Parameters,
    environment: Environment,
    catalog: Catalog,
) -> Case:
    path = f"{environment.remote_tools_dir}/{tool.path or f'{category_name}/{tool.script}'}"
    values = {
        "path": path,
        **tool.values,
        **_pair_values(category, environment, parameters.get("direction")),
        **parameters,
    }
    traits = _traits(tool, category_name, catalog)
    given = {name: value for name, value in values.items() if value}
    skipped = _why_not(tool, category, traits, given, parameters, environment)
    bare = Case(
        id=number,
        name=_name(tool.script, parameters),
        kind=CaseKind.TOOL,
        layer=category.environment,
        command="" if skipped else _command(tool.template, given),
        script=tool.script,
        category=category_name,
        parameters=parameters,
        skipped=skipped,
    )
    return _with_traits(bare, traits)


def _with_traits(case: Case, traits: Traits) -> Case:
    return replace(
        case,
        tool=_stem(case.script),
        tool_class=traits.tool_class,
        env=dict(traits.env),
        readiness=traits.readiness.rule(),
        expected_probes=traits.probes,
    )


def _stem(script: str) -> str:
    """The tool's id: its script's stem, as the published figures spell it."""
    return PurePosixPath(script).stem.replace("-", "_")


def _name(script: str, parameters: Parameters) -> str:
    """`eth_drop_rx_protocol_tcp`: the direction first, then the matrix."""
    direction = [value for key, value in parameters.items() if key == "direction"]
    rest = [f"{key}_{value}" for key, value in parameters.items() if key != "direction"]
    return "_".join((_stem(script), *direction, *rest)).replace("-", "_")


def _traits(tool: FullTool, category: str, catalog: Catalog) -> Traits:
    written = tool.model_fields_set & Traits.model_fields.keys()
    return tool if written else catalog.traits(category, tool.script)


def _pair_values(
    category: FullCategory, environment: Environment, direction: str | None
) -> dict[str, str]:
    pair = environment.pairs.get(category.environment)
    if pair is None:
        return {}
    found = {name: value for name, value in pair.placeholders.items() if isinstance(value, str)}
    addresses = {
        f"{category.environment}_LOCAL_IP": pair.server_ip,
        f"{category.environment}_REMOTE_IP": pair.client_ip,
    }
    for name, value in category.directions.get(direction or "", {}).items():
        found[name] = addresses.get(value.strip("{}"), value)
    return found


def _why_not(
    tool: FullTool,
    category: FullCategory,
    traits: Traits,
    given: Mapping[str, str],
    parameters: Parameters,
    environment: Environment,
) -> str | None:
    """Why the case cannot run here, or None."""
    if category.environment not in environment.pairs:
        return f"the environment has no {category.environment} pair"
    empty = [key for key, value in parameters.items() if not value]
    missing = [
        name for name in (*traits.required, *_positional(tool.template)) if name not in given
    ]
    names = tuple(dict.fromkeys((*empty, *missing)))
    return f"nothing was found for {', '.join(names)}" if names else None


def _positional(template: str) -> Iterator[str]:
    """Placeholders that no option carries: without a value there is no command."""
    for before, word in itertools.pairwise(shlex.split(template)):
        if not before.startswith("-") and not word.startswith("-"):
            yield from placeholders(word)


def _command(template: str, values: Mapping[str, str]) -> str:
    """The template filled in; an option whose placeholder has no value is left out whole."""
    words: list[str] = []
    for word in shlex.split(template):
        if all(name in values for name in placeholders(word)):
            words.append(PLACEHOLDER.sub(lambda match: values[match[1]], word))
        elif not word.startswith("-") and words and words[-1].startswith("-"):
            words.pop()
    return shlex.join(words)


def cases_document(full: FullConfig, cases: Sequence[Case]) -> dict[str, Any]:
    """The published cases.json. A case that cannot run here holds `skipped` as well."""
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
                **({"skipped": case.skipped} if case.skipped else {}),
            }
            for case in cases
        ],
    }


def write_cases(path: Path, full: FullConfig, cases: Sequence[Case]) -> None:
    document = cases_document(full, cases)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")


def read_cases(path: Path, full: FullConfig, catalog: Catalog) -> tuple[Case, ...]:
    """The cases of a cases.json, its numbers and commands as they stand there.

    A person may have taken cases out or mended a command. What the file does not hold (class,
    readiness …) comes from the environment's tools. Raises InputError.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = [(entry, Layer(entry["environment"])) for entry in document["test_cases"]]
        return tuple(_read_case(entry, layer, full, catalog) for entry, layer in entries)
    except OSError as error:
        raise InputError(str(path), "", f"cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"is not a list of cases ({error})"
        raise InputError(
            str(path), "test_cases", problem, "the file that bootstrap wrote"
        ) from None


def _read_case(entry: dict[str, Any], layer: Layer, full: FullConfig, catalog: Catalog) -> Case:
    category, script = entry["category"], entry["script"]
    known = full.tools.categories.get(category)
    tool = next((t for t in known.tools if t.script == script), None) if known else None
    traits = _traits(tool, category, catalog) if tool else catalog.traits(category, script)
    bare = Case(
        id=int(entry["id"]),
        name=str(entry["name"]),
        kind=CaseKind.TOOL,
        layer=layer,
        command=str(entry["command"]),
        script=script,
        category=category,
        parameters={key: str(value) for key, value in entry["parameters"].items()},
        skipped=entry.get("skipped"),
    )
    return _with_traits(bare, traits)
