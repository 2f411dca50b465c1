"""Recorded outputs of the real programs."""

from collections.abc import Callable

import pytest

from ..paths import DATA


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], str]:
    """`recorded("iperf3/refused.json")`: the text of a file below tests/data."""
    return lambda path: (DATA / path).read_text()
