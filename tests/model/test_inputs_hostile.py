"""Whatever a file holds, its reader answers with a value or with lines that name the file."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.model.catalog import read_catalog
from tasks.model.errors import InputError
from tasks.model.full import read_full
from tasks.model.inputs import read_minimal_input
from tasks.model.names import ROOT

from ..paths import REFERENCE_CASES

READERS = {
    "minimal": (read_minimal_input, REFERENCE_CASES / "os630-kernel-510-intel-minimal-input.yaml"),
    "full": (read_full, REFERENCE_CASES / "os630-kernel-510-intel-full.yaml"),
    "catalogue": (read_catalog, ROOT / "config" / "tools.yaml"),
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(data, path=()):
    yield path
    steps = (
        data.items() if isinstance(data, dict) else enumerate(data if type(data) is list else ())
    )
    for key, value in steps:
        yield from places(value, (*path, key))


def replaced(data, path, value):
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = replaced(data[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("name", READERS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_file_with_any_value_anywhere_is_read_or_reported_in_lines(tmp_path, name, data):
    reader, source = READERS[name]
    good = yaml.safe_load(source.read_text())
    path = data.draw(st.sampled_from(list(places(good))))
    file = tmp_path / "x.yaml"
    file.write_text(
        yaml.safe_dump(replaced(good, path, data.draw(ANYTHING)), allow_unicode=True),
        encoding="utf-8",
    )
    try:
        reader(file)
    except InputError as error:
        lines = str(error).splitlines()
        assert all(line.startswith(str(file)) for line in lines), lines
