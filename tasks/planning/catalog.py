"""Reads a tool catalogue: config/tools.yaml, or one that an environment names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..model.catalog import LIST_PLACEHOLDERS, PLACEHOLDERS, Catalog, placeholders
from ..model.documents import Mistake, read_document
from ..model.names import CONFIG

CATALOG = CONFIG / "tools.yaml"


def read_catalog(path: Path = CATALOG) -> Catalog:
    """The catalogue of the file. Raises InputErrors with every mistake's line."""
    return read_document(path, Catalog, unknown_placeholders)


def unknown_placeholders(data: Any) -> Iterator[Mistake]:
    """Names in braces that no host and no matrix gives a value."""
    for place, tool in _tools(data):
        given = tool.get("matrix")
        matrix: dict[str, Any] = given if isinstance(given, dict) else {}
        own = tuple(matrix)
        for name in placeholders(str(tool.get("command", ""))):
            if name not in (*PLACEHOLDERS, *own):
                known = ", ".join((*PLACEHOLDERS, *own))
                yield Mistake(
                    (*place, "command"), f"unknown placeholder {{{name}}}", f"one of {known}"
                )
        for key in own:
            for name in placeholders(str(matrix[key])):
                if name not in LIST_PLACEHOLDERS:
                    yield Mistake(
                        (*place, "matrix", key),
                        f"unknown list {{{name}}}",
                        "one of " + ", ".join(f"{{{n}}}" for n in LIST_PLACEHOLDERS),
                    )
    placebo = data.get("placebo") if isinstance(data, dict) else None
    for name in placeholders(str(placebo.get("command", ""))) if isinstance(placebo, dict) else ():
        if name != "path":
            yield Mistake(("placebo", "command"), f"unknown placeholder {{{name}}}", "{path}")


def _tools(data: Any) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    categories = data.get("categories") if isinstance(data, dict) else None
    for name, category in categories.items() if isinstance(categories, dict) else ():
        tools = category.get("tools") if isinstance(category, dict) else None
        for index, tool in enumerate(tools if isinstance(tools, list) else ()):
            if isinstance(tool, dict):
                yield ("categories", str(name), "tools", index), tool
