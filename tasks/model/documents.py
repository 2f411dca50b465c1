"""YAML files that people write: read with the place of every key, all mistakes told at once.

read_document(path, Model)       one file, checked
Written, ExistingFile, Address   what the models of such files are made of
"""

import difflib
import ipaddress
import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo

from .errors import InputError, raise_all

KeyPath = tuple[str | int, ...]
"""Where in a document: keys and list positions from the root."""


class Mistake(NamedTuple):
    """Something wrong at a place, found by a check that looks at the document as a whole."""

    place: KeyPath
    problem: str
    expected: str = ""


class Written(BaseModel):
    """Base of everything that people write: an unknown key is a mistake, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _below(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder", Path())
    return (Path(folder) / path.expanduser()).resolve()


def _file(path: Path, info: ValidationInfo) -> Path:
    found = _below(path, info)
    if not found.is_file():
        raise ValueError(f"no such file: {found}")
    return found


def _directory(path: Path, info: ValidationInfo) -> Path:
    found = _below(path, info)
    if not found.is_dir():
        raise ValueError(f"no such directory: {found}")
    return found


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


def matching(pattern: str, what: str) -> AfterValidator:
    """Texts of this form only; a mistake says that it is not `what`."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text) or ".." in text:
            raise ValueError(f"{text!r} is not {what}")
        return text

    return AfterValidator(check)


ExistingFile = Annotated[Path, AfterValidator(_file)]
"""A path that may be relative to the document's own folder."""
ExistingDirectory = Annotated[Path, AfterValidator(_directory)]
Address = Annotated[str, AfterValidator(_address)]

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file's data, the line of each key, and what YAML itself would have let pass."""

    path: Path
    data: Any
    lines: Mapping[KeyPath, int]
    errors: tuple[InputError, ...] = field(default=())

    def error(self, mistake: Mistake) -> InputError:
        """The mistake as one line: file and line, dotted key, what is wrong, what was expected."""
        place = mistake.place
        while place and place not in self.lines:
            place = place[:-1]
        line = self.lines.get(place)
        where = f"{self.path}:{line}" if line else str(self.path)
        told = (dotted(mistake.place), mistake.problem, mistake.expected)
        return InputError(where, *map(_printable, told))


def dotted(place: KeyPath) -> str:
    """`("tools", 0, "script")` as `tools[0].script`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _printable(text: str) -> str:
    """One line, whatever characters the file holds."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def load_document(path: Path) -> Document:
    """The file as data with lines. Raises InputError where it cannot be read as YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(str(path), "", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(str(path), "", "is not text", "YAML in UTF-8") from None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if node else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise InputError(where, "", f"is not YAML: {problem}") from None
    lines: dict[KeyPath, int] = {}
    twice = list(_walk(node, (), lines, set())) if node else []
    bare = Document(path, data, lines)
    return Document(path, data, lines, tuple(bare.error(mistake) for mistake in twice))


def _walk(
    node: yaml.Node, place: KeyPath, lines: dict[KeyPath, int], seen: set[int]
) -> Iterable[Mistake]:
    """Notes each key's line; yields the keys that are written twice, which YAML lets pass."""
    if id(node) in seen:  # an alias: its first place counts
        return
    seen.add(id(node))
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        own: dict[KeyPath, int] = {}
        for key, value in node.value:
            inner, line = (*place, str(key.value)), key.start_mark.line + 1
            if inner in own:
                problem = f"is written twice, on lines {own[inner]} and {line}"
                yield Mistake(inner, problem, "it once")
            lines[inner] = own[inner] = line
            yield from _walk(value, inner, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, (*place, index), lines, seen)


def read_document(
    path: Path,
    model: type[M],
    checks: Callable[[Any], Iterable[Mistake]] = lambda _: (),
) -> M:
    """The file as a model. `checks` sees the raw data, so that its findings are told as well.

    Raises InputError, or InputErrors with every mistake of the file.
    """
    document = load_document(path)
    errors = list(document.errors)
    value = None
    try:
        value = model.model_validate(document.data, context={"folder": path.resolve().parent})
    except ValidationError as error:
        found = (_mistake(model, detail) for detail in error.errors())
        errors += map(document.error, dict.fromkeys(found))
    errors += map(document.error, checks(document.data))
    raise_all(errors)
    assert value is not None
    return value


_EXPECTED = {
    "string_type": "text (numbers and yes/no in quotes)",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "dict_type": "keys with values",
    "list_type": "a list",
    "tuple_type": "a list",
    "too_short": "at least one entry",
    "path_type": "a path",
    "string_pattern_mismatch": "a name of letters, digits, '.', '_' and '-', at most 64 long",
}


def _mistake(model: type[BaseModel], detail: Any) -> Mistake:
    """One of pydantic's findings in this project's words."""
    kind, context = detail["type"], detail.get("ctx", {})
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    place, known, wanted = _follow(model, loc)
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f"{near[0]} (did you mean it?)" if near else "one of " + ", ".join(known)
        return Mistake(place, "unknown key", hint)
    if kind == "missing":
        return Mistake(place, "is missing", wanted)
    if kind == "value_error":
        problem, _, expected = str(context["error"]).partition("; expected ")
        return Mistake(place, problem, expected or wanted)
    shown = "is empty" if detail["input"] in (None, "", [], {}) else f"is {detail['input']!r}"
    if len(shown) > 80:
        shown = f"is {type(detail['input']).__name__}"
    bound = next((f"{k} {v}" for k, v in context.items() if k in ("gt", "ge", "lt", "le")), "")
    expected = context.get("expected") or wanted or _EXPECTED.get(kind) or bound or "another value"
    return Mistake(place, shown, str(expected))


def _follow(model: type[BaseModel], loc: KeyPath) -> tuple[KeyPath, list[str], str]:
    """The place in the file, the keys known beside it, and its field's description.

    pydantic's places also name the branches of unions; those are no keys of the file.
    """
    place: list[str | int] = []
    current: Any = model
    known: list[str] = []
    wanted = ""
    for part in loc:
        fields = _fields(current)
        if fields is not None:
            known = list(fields)
            place.append(part)
            current, wanted = fields.get(str(part), (None, ""))
        elif (inner := _item_type(current, part)) is not None:
            place.append(part)
            current, known, wanted = inner, [], ""
    return tuple(place), known, wanted


def _fields(annotation: Any) -> dict[str, tuple[Any, str]] | None:
    kind = _bare(annotation)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return None
    return {
        info.alias or name: (info.annotation, info.description or "")
        for name, info in kind.model_fields.items()
    }


def _item_type(annotation: Any, part: str | int) -> Any:
    for option in _options(annotation):
        origin, inner = get_origin(option), get_args(option)
        if origin is dict and isinstance(part, str):
            return inner[1]
        if origin in (list, tuple) and isinstance(part, int):
            return inner[0]
    return None


def _options(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(option for part in get_args(annotation) for option in _options(part))
    return (annotation,)


def _bare(annotation: Any) -> Any:
    models = [o for o in _options(annotation) if isinstance(o, type) and issubclass(o, BaseModel)]
    return models[0] if models else None
