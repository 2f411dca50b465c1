"""YAML files that people write: all mistakes are reported at once, each with its line.

read_document(path, Model)         a file as a checked model
input_errors(where, Model, error)  pydantic's errors, as this project's
Written, ExistingFile, Address     base class and field types of the models of such files
"""

import dataclasses
import difflib
import ipaddress
import re
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import (
    Annotated,
    Any,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo

from .errors import InputError, raise_all
from .fields import IDENTIFIER_FORM, IDENTIFIER_PATTERN

KeyPath = tuple[str | int, ...]
"""A place in a document: keys and list positions from the root."""
Lines = Mapping[KeyPath, int]
"""The line of each place, from 1."""


class Mistake(NamedTuple):
    """What is wrong at one place of a document."""

    place: KeyPath
    problem: str
    expected: str = ""


class Written(BaseModel):
    """Base class for files that people write: unknown keys are mistakes, instances are frozen.

    A field's description says what is expected there; error messages quote it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def absolute(path: Path, info: ValidationInfo) -> Path:
    """The path made absolute: a relative one is relative to the document's own folder."""
    return (Path((info.context or {}).get("folder", "")) / path.expanduser()).resolve()


def _existing(kind: str, exists: Callable[[Path], bool]) -> AfterValidator:
    def check(path: Path, info: ValidationInfo) -> Path:
        found = absolute(path, info)
        if not exists(found):
            raise ValueError(f"no such {kind}: {found}")
        return found

    return AfterValidator(check)


def parsed_by(parse: Callable[[str], object], what: str) -> AfterValidator:
    """Texts that `parse` accepts, normalised by it; `what` names them in error messages."""

    def check(text: str) -> str:
        try:
            return str(parse(text))
        except ValueError:
            raise ValueError(f"{text!r} is not {what}") from None

    return AfterValidator(check)


def matching(pattern: str, what: str) -> AfterValidator:
    """Texts of this form without `..`; `what` names them in error messages."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text) or ".." in text:
            raise ValueError(f"{text!r} is not {what}")
        return text

    return AfterValidator(check)


ExistingFile = Annotated[Path, _existing("file", Path.is_file)]
ExistingDirectory = Annotated[Path, _existing("directory", Path.is_dir)]
Address = Annotated[str, parsed_by(ipaddress.ip_address, "an IP address")]

M = TypeVar("M", bound=BaseModel)


LARGEST = 16 << 20
"""Bytes of a file that a person writes. The largest cases.json known has 60 kB."""


def read_text(path: Path) -> str:
    """The file's text. Raises InputError where it cannot be read, is too large or not UTF-8."""
    try:
        if path.stat().st_size > LARGEST:
            problem = f"is {path.stat().st_size >> 20} MiB"
            raise InputError(str(path), "", problem, f"at most {LARGEST >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(str(path), "", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(str(path), "", "is not text", "UTF-8") from None


def read_document(
    path: Path,
    model: type[M],
    checks: Callable[[Any], Iterable[Mistake]] = lambda _: (),
    folder: Path | None = None,
) -> M:
    """The file as a model. `checks` gets the raw data, valid or not, and adds its own mistakes.

    folder: base of relative paths in it; by default the file's own folder.
    Raises InputError, or InputErrors with every mistake of the file.
    """
    where = str(path)
    data, lines, duplicates = _load(read_text(path), where)
    errors = [located(where, lines, mistake) for mistake in duplicates]
    value = None
    try:
        value = model.model_validate(data, context={"folder": (folder or path.parent).resolve()})
    except ValidationError as error:
        errors += input_errors(where, model, error, lines)
    errors += [located(where, lines, mistake) for mistake in checks(data)]
    raise_all(errors)
    assert value is not None
    return value


def input_errors(
    where: str, model: type[Any], error: ValidationError, lines: Lines = types.MappingProxyType({})
) -> list[InputError]:
    """pydantic's errors, each once, as InputErrors whose key is the dotted place in the input.

    model: the pydantic model or dataclass that was validated. lines: see `document_lines`.
    """
    mistakes = dict.fromkeys(_mistake(model, detail) for detail in error.errors())
    return [located(where, lines, mistake) for mistake in mistakes]


def document_lines(text: str) -> Lines:
    """The line of each place of a YAML or JSON text; empty if the text is neither."""
    try:
        return _load(text, "")[1]
    except InputError:
        return {}


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _load(text: str, where: str) -> tuple[Any, Lines, list[Mistake]]:
    """The text's data, its lines, and keys written twice, which YAML accepts. Raises InputError."""
    try:
        loader = _LOADER(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if node else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{where}{line}", "", f"is not YAML: {problem}") from None
    lines: dict[KeyPath, int] = {}
    duplicates = list(_walk(node, (), lines, set())) if node else []
    return data, lines, duplicates


def _walk(
    node: yaml.Node, place: KeyPath, lines: dict[KeyPath, int], visited: set[int]
) -> Iterable[Mistake]:
    """Fills `lines`; yields the keys that occur twice in one mapping."""
    if id(node) in visited:  # an alias: its first place counts
        return
    visited.add(id(node))
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        own: dict[KeyPath, int] = {}
        for key, value in node.value:
            inner, line = (*place, str(key.value)), key.start_mark.line + 1
            if inner in own:
                problem = f"is written twice, on lines {own[inner]} and {line}"
                yield Mistake(inner, problem, "one of them")
            lines[inner] = own[inner] = line
            yield from _walk(value, inner, lines, visited)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, (*place, index), lines, visited)


def located(where: str, lines: Lines, mistake: Mistake) -> InputError:
    """The mistake with its line, or with the line of the nearest enclosing place that has one."""
    place = mistake.place
    while place and place not in lines:
        place = place[:-1]
    line = f":{lines[place]}" if place in lines else ""
    words = (dotted(mistake.place), mistake.problem, mistake.expected)
    return InputError(f"{where}{line}", *map(_printable, words))


def dotted(place: KeyPath) -> str:
    """`("tools", 0, "script")` as `tools[0].script`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _printable(text: str) -> str:
    """The text with unprintable characters escaped, so that it stays on one line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def as_mapping(value: Any) -> dict[Any, Any]:
    """The value if it is a mapping, else an empty one; for checks of data that may be invalid."""
    return value if isinstance(value, dict) else {}


_NUMBER = "a number"
_WHOLE_NUMBER = "a whole number"
_MAPPING = "keys with values"
_EXPECTED = {
    "string_type": "text (numbers and yes/no in quotes)",
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dataclass_type": _MAPPING,
    "dict_type": _MAPPING,
    "list_type": "a list",
    "tuple_type": "a list",
    "too_short": "at least one entry",
    "path_type": "a path",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
}
"""The expected value, by pydantic's error type, for fields whose description does not say it."""


def _mistake(model: type[Any], detail: Any) -> Mistake:
    """One of pydantic's errors as a Mistake."""
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    place, known, described = _follow(model, loc)
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f"{near[0]} (did you mean it?)" if near else "one of " + ", ".join(known)
        return Mistake(place, "unknown key", hint)
    if kind == "missing":
        return Mistake(place, "is missing", described)
    if kind == "value_error":
        problem, _, expected = str(context["error"]).partition("; expected ")
        return Mistake(place, problem, expected or described)
    problem = "is empty" if value in (None, "", [], {}) else f"is {value!r}"
    if len(problem) > 80:
        problem = f"is {type(value).__name__}"
    general = _EXPECTED.get(kind, "another value").format_map(context)
    if context.get("pattern") == IDENTIFIER_PATTERN:
        general = IDENTIFIER_FORM
    return Mistake(place, problem, str(context.get("expected") or described or general))


def _follow(model: type[Any], loc: KeyPath) -> tuple[KeyPath, list[str], str]:
    """The place in the document, the keys allowed there, and its field's description.

    pydantic's locations also name the branches of unions, which are not keys of the document.
    """
    place: list[str | int] = []
    current: Any = model
    known: list[str] = []
    described = ""
    for part in loc:
        fields = _fields(current)
        if fields is not None:
            known = list(fields)
            place.append(part)
            current, described = fields.get(str(part), (None, ""))
        elif (inner := _item_type(current, part)) is not None:
            place.append(part)
            current, known, described = inner, [], ""
    return tuple(place), known, described


def _fields(annotation: Any) -> dict[str, tuple[Any, str]] | None:
    """Type and description of each key; None if the annotation holds no model or dataclass."""
    for kind in _options(annotation):
        if dataclasses.is_dataclass(kind):
            return {name: (hint, "") for name, hint in get_type_hints(kind).items()}
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            quoted = issubclass(kind, Written)
            return {
                info.alias or name: (info.annotation, info.description or "" if quoted else "")
                for name, info in kind.model_fields.items()
            }
    return None


def _item_type(annotation: Any, part: str | int) -> Any:
    for option in _options(annotation):
        origin, inner = get_origin(option), get_args(option)
        if origin is dict and isinstance(part, str):
            return inner[1]
        if origin in (list, tuple) and isinstance(part, int):
            return inner[0]
    return None


def _options(annotation: Any) -> tuple[Any, ...]:
    """The branches of a union, or the annotation alone; without `Annotated`."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(option for part in get_args(annotation) for option in _options(part))
    return (annotation,)
