"""Reads a tool catalogue: config/tools.yaml, or one that an environment names."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..model.catalog import LIST_PLACEHOLDERS, PLACEHOLDERS, Catalog, placeholders
from ..model.documents import Mistake, Place, read_document
from ..model.names import CONFIG

CATALOG = CONFIG / "tools.yaml"


def read_catalog(path: Path = CATALOG) -> Catalog:
    """The catalogue of the file. Raises InputErrors with every mistake's line."""
    return read_document(path, Catalog, unknown_placeholders)


def unknown_placeholders(data: Any) -> Iterator[Mistake]:
    """Names in braces that no host and no matrix gives a value, however broken the rest is."""
    for place, tool in _tools(data):
        matrix = _table(tool.get("matrix"))
        known = (*PLACEHOLDERS, *map(str, matrix))
        yield from _unknown((*place, "command"), tool.get("command"), known)
        for key, values in matrix.items():
            yield from _unknown((*place, "matrix", str(key)), values, LIST_PLACEHOLDERS)
    placebo = _table(_table(data).get("placebo"))
    yield from _unknown(("placebo", "command"), placebo.get("command"), ("path",))


def _unknown(place: Place, text: Any, known: Sequence[str]) -> Iterator[Mistake]:
    for name in placeholders(text) if isinstance(text, str) else ():
        if name not in known:
            problem = f"unknown placeholder {{{name}}}"
            yield Mistake(place, problem, f"one of {', '.join(known)}")


def _tools(data: Any) -> Iterator[tuple[Place, dict[str, Any]]]:
    for name, category in _table(_table(data).get("categories")).items():
        tools = _table(category).get("tools")
        for index, tool in enumerate(tools if isinstance(tools, list) else ()):
            yield ("categories", str(name), "tools", index), _table(tool)


def _table(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
