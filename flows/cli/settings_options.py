"""The settings models as options of a command, and every mistake by the name of its option.

A field becomes one option: its name without the unit, its type, bounds, default and description.
"""

import inspect
import re
from collections.abc import Callable, Collection
from functools import wraps
from typing import Annotated, Any, get_origin

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from typer.exceptions import TyperException

from tasks.model.errors import InputError, raise_all
from tasks.model.settings import Measurement, Selection

from .options import comma_separated

Command = Callable[..., None]

_MODELS: dict[str, type[BaseModel]] = {"selection": Selection, "measurement": Measurement}
_OTHER_NAMES = {"keep_on_hosts": "--no-cleanup", "environments": "--config-dir"}
_DECLARED_BY_HAND = {"budget_h", "until_decided"}


def settings_options(without: Collection[str] = ()) -> Callable[[Command], Command]:
    """Gives a command the options of its parameters `selection` and `measurement`.

    The command is called with the two models. without: fields that it has no use for.
    """
    left_out = _DECLARED_BY_HAND | set(without)

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command)
        parameters = []
        fields: dict[str, list[str]] = {}  # of each model that the command takes
        for parameter in signature.parameters.values():
            if (name := parameter.name) in _MODELS:
                known = _MODELS[name].model_fields
                fields[name] = [field for field in known if field not in left_out]
                parameters += [_option(field, known[field]) for field in fields[name]]
            else:
                parameters.append(parameter)

        @wraps(command)
        def with_models(**values: Any) -> None:
            mistakes = []
            for name in fields:
                given = {field: values.pop(field) for field in fields[name]}
                try:
                    values[name] = _MODELS[name](**given)
                except ValidationError as error:
                    for detail in error.errors():
                        mistakes.append(InputError(name, str(detail["loc"][0]), _problem(detail)))
            raise_all(mistakes)
            command(**values)

        vars(with_models)["__signature__"] = signature.replace(parameters=parameters)
        return with_models

    return decorate


def option_name(field: str) -> str:
    """`window_s` is `--window`."""
    name = re.sub(r"_(s|h|mib)$", "", field).replace("_", "-")
    return _OTHER_NAMES.get(field, f"--{name}")


def _option(name: str, field: FieldInfo) -> inspect.Parameter:
    annotation, default, ending, callback = field.annotation, field.default, ".", None
    if get_origin(annotation) is list:
        annotation, default, ending = str, ",".join(default), "; comma-separated."
        callback = comma_separated
    bounds = {key: getattr(part, key) for part in field.metadata for key in ("ge", "le")
              if hasattr(part, key)}  # fmt: skip
    option = typer.Option(
        option_name(name), min=bounds.get("ge"), max=bounds.get("le"), callback=callback,
        help=f"{field.description}{ending}",
    )  # fmt: skip
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[annotation, option],
    )


def _problem(detail: ErrorDetails) -> str:
    """One of pydantic's findings, with the value that a person gave."""
    value = detail["input"]
    message = detail["msg"].rstrip(".").removeprefix(f"Value error, {value!r} is ")
    return f"{value}: {re.sub(r'^(Input|String) should', 'should', message).split(', unable')[0]}"


def input_error_lines(error: InputError) -> list[str]:
    """A line for each mistake; a setting has its name on the command line."""
    return [_line(one) for one in getattr(error, "errors", [error])]


def _line(error: InputError) -> str:
    where, key = error.where, error.key
    if where in _MODELS:
        where, key = option_name(key), ""
    return str(InputError(_OTHER_NAMES.get(where, where), key, error.problem, error.expected))


def usage_error_line(error: TyperException) -> str:
    """A mistake that typer found, in the same style; empty if typer has shown the help instead."""
    if isinstance(error, typer.BadParameter) and isinstance(error.__cause__, ValidationError):
        option = error.param.opts[0] if error.param else ""
        return f"{option}: {_problem(error.__cause__.errors()[0])}"
    text, context = error.format_message().rstrip("."), getattr(error, "ctx", None)
    text = text[:1].lower() + text[1:]
    if not text or context is None:
        return text
    return f"{context.command_path}: {text}; see {context.command_path} --help"
