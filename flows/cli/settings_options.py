"""The settings models as options of a command, and every mistake in the words of the options.

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
            mistakes: list[InputError] = []
            for name in fields:
                given = {field: values.pop(field) for field in fields[name]}
                try:
                    values[name] = _built(_MODELS[name], given)
                except ValidationError as error:
                    mistakes += _mistakes(name, error)
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
    annotation, default, ending = field.annotation, field.default, "."
    if get_origin(annotation) is list:
        annotation, default, ending = str, ",".join(default), "; comma-separated."
    option = typer.Option(
        option_name(name), min=_bound(field, "ge"), max=_bound(field, "le"),
        help=f"{field.description}{ending}",
    )  # fmt: skip
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[annotation, option],
    )


def _bound(field: FieldInfo, name: str) -> Any:
    return next((getattr(part, name) for part in field.metadata if hasattr(part, name)), None)


def _built(model: type[BaseModel], given: dict[str, Any]) -> BaseModel:
    """The model from the values of its options. Raises ValidationError."""
    for key, value in given.items():
        if get_origin(model.model_fields[key].annotation) is list:
            given[key] = comma_separated(value)
    return model(**given)


def _mistakes(name: str, error: ValidationError) -> list[InputError]:
    mistakes = []
    for detail in error.errors():
        key, problem, expected = str(detail["loc"][0]), _problem(detail), ""
        if detail["type"] == "string_pattern_mismatch":  # nobody wants to read a pattern
            problem = f"{detail['input']}: wrong form"
            expected = _MODELS[name].model_fields[key].description or ""
        mistakes.append(InputError(name, key, problem, expected))
    return mistakes


def _problem(detail: ErrorDetails) -> str:
    """One of pydantic's findings, with the value that a person gave."""
    value = detail["input"]
    message = detail["msg"].rstrip(".").removeprefix(f"Value error, {value!r} is ")
    return f"{value}: {message.replace('Input should', 'should').partition(', unable')[0]}"


def input_error_lines(error: InputError) -> list[str]:
    """A line a mistake; a setting is called as on the command line."""
    return [_line(one) for one in getattr(error, "errors", [error])]


def _line(error: InputError) -> str:
    where, key = error.where, error.key
    if where in _MODELS:
        where, key = option_name(key), ""
    return str(InputError(_OTHER_NAMES.get(where, where), key, error.problem, error.expected))


def usage_error_line(error: TyperException) -> str:
    """A mistake that typer found, in the same style; empty where it showed the help instead."""
    if isinstance(error, typer.BadParameter) and error.param is not None:
        option, cause = error.param.opts[0], error.__cause__
        if isinstance(cause, ValidationError):
            return f"{option}: {_problem(cause.errors()[0])}"
        help_text = getattr(error.param, "help", None) or ""
        expected = _inside_a_sentence(help_text.partition(". ")[0])
        return str(InputError(option, "", error.message or "missing", expected))
    message = _inside_a_sentence(error.format_message())
    option = getattr(error, "option_name", "")
    if message.startswith(about_option := f"option '{option}' "):
        return f"{option}: {message.removeprefix(about_option)}"
    command = context.command_path if (context := getattr(error, "ctx", None)) else ""
    return f"{command}: {message}; see {command} --help" if message and command else message


def _inside_a_sentence(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")
