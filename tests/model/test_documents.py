"""Mistakes found by pydantic, in this project's words: for files, settings and dataclasses."""

import pickle

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from tasks.model.documents import document_lines, input_errors
from tasks.model.errors import InputError, InputErrors
from tasks.model.plan import Design, Slot
from tasks.model.settings import Measurement, Selection


def settings_errors(model: type[BaseModel], **values: object) -> list[InputError]:
    with pytest.raises(ValidationError) as refused:
        model(**values)
    return input_errors("settings", model, refused.value)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"iterations": 0}, "settings: iterations: is 0; expected a number of at least 1"),
        ({"iterations": "x"}, "settings: iterations: is 'x'; expected a whole number"),
        ({"budget_h": 0}, "settings: budget_h: is 0; expected a number above 0"),
        (
            {"affinity": "0"},
            r"settings: affinity: is '0'; expected a text of the form ^\d+[,/]\d+$",
        ),
        (
            {"warmup": 1},
            "settings: warmup: unknown key; expected warmup_s (did you mean it?)",
        ),
    ],
)
def test_a_settings_mistake_names_the_field_the_value_and_what_is_expected(values, line):
    [error] = settings_errors(Measurement, **values)
    assert str(error) == line


def test_a_settings_help_text_is_not_quoted_as_what_is_expected():
    [error] = settings_errors(Selection, protocol="sctp")
    assert error.key == "protocol"
    assert error.expected == "'tcp', 'udp' or 'icmp'"


def test_a_mistake_in_a_list_names_the_field_and_the_position():
    [error] = settings_errors(Selection, layers=["host", "metal"])
    assert (error.key, error.problem) == ("layers[1]", "is 'metal'")


def test_a_dataclass_is_followed_and_its_places_have_lines():
    text = '{\n "iteration": 1,\n "position": "x",\n "layer": "host"\n}'
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Slot).validate_json(text)
    lines = [str(e) for e in input_errors("f.json", Slot, refused.value, document_lines(text))]
    assert lines == [
        "f.json:3: position: is 'x'; expected a whole number",
        "f.json:1: case_id: is missing",
    ]


def test_every_mistake_is_reported_once():
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Design).validate_python({})
    keys = [error.key for error in input_errors("d", Design, refused.value)]
    assert keys == ["seed", "iterations"]


def test_a_text_that_is_neither_yaml_nor_json_has_no_lines():
    assert document_lines("a: [") == {}


def test_one_mistake_and_several_are_listed_alike_also_after_pickling():
    first, second = InputError("f", "a", "is 1"), InputError("f", "b", "is 2")
    assert first.errors == (first,)
    both = pickle.loads(pickle.dumps(InputErrors([first, second])))
    assert [str(error) for error in both.errors] == ["f: a: is 1", "f: b: is 2"]
    assert str(both) == "f: a: is 1\nf: b: is 2"
