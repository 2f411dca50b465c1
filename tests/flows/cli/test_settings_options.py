"""Every setting is an option, declared only by its field; mistakes name the option."""

import inspect

import pytest
import typer

from flows.cli.settings_options import input_error_lines, option_name, settings_options
from tasks.model.errors import InputError, InputErrors
from tasks.model.settings import Measurement, Selection


@settings_options(without=["seed"])
def command(*, folder: str = "", selection: Selection, measurement: Measurement) -> None:
    called_with.append((folder, selection, measurement))


called_with: list[tuple[str, Selection, Measurement]] = []
app = typer.Typer()
app.command()(command)


def call(*words: str) -> tuple[str, Selection, Measurement]:
    """What the command is called with."""
    app(words, standalone_mode=False)
    return called_with.pop()


def options() -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(command).parameters)


def test_every_field_is_an_option_but_those_left_out_or_declared_by_hand() -> None:
    fields = {*Selection.model_fields, *Measurement.model_fields}
    assert {*options()} == {"folder", *fields} - {"seed", "until_decided", "budget_h"}


def test_defaults_of_the_options_are_those_of_the_models() -> None:
    assert call() == ("", Selection(), Measurement())


def test_help_and_bounds_come_from_the_field() -> None:
    (declared,) = options()["window_s"].annotation.__metadata__
    assert (declared.min, declared.max) == (1, 3600)
    assert declared.help == "Measured seconds of each cell."


def test_lists_are_comma_separated() -> None:
    _, selection, measurement = call("--case-ids", "1, 3,", "--workloads", "quick,matching")
    assert selection.case_ids == [1, 3]
    assert measurement.workloads == ["quick", "matching"]


def test_values_reach_the_models() -> None:
    words = ["--folder", "here", "--protocol", "udp", "--min-free", "7", "--no-cleanup"]
    assert call(*words) == (
        "here", Selection(protocol="udp"), Measurement(min_free_mib=7, keep_on_hosts=True)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("window_s", "--window"),
        ("min_free_mib", "--min-free"),
        ("budget_h", "--budget"),
        ("baseline_every", "--baseline-every"),
        ("keep_on_hosts", "--no-cleanup"),
    ],
)
def test_an_option_has_no_unit_in_its_name(field: str, option: str) -> None:
    assert option_name(field) == option


def test_all_mistakes_of_both_models_are_found_at_once() -> None:
    with pytest.raises(InputErrors) as raised:
        call("--layers", "guest", "--case-ids", "1,b", "--affinity", "one")
    assert [line.partition(": should ")[0] for line in input_error_lines(raised.value)] == [
        "--layers: guest", "--case-ids: b", "--affinity: one"
    ]  # fmt: skip


def test_a_field_that_an_error_names_is_shown_as_its_option() -> None:
    error = InputErrors(
        [
            InputError("measurement", "window_s", "too short", "10"),
            InputError("selection", "tools", "nope: no case has it"),
            InputError("environments", "nowhere", "no such environment"),
            InputError("tools.yaml:3", "class", "unknown"),
        ]
    )
    assert input_error_lines(error) == [
        "--window: too short; expected 10",
        "--tools: nope: no case has it",
        "--config-dir: nowhere: no such environment",
        "tools.yaml:3: class: unknown",
    ]
