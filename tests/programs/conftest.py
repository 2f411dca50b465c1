"""Recorded outputs of the real programs."""

from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], str]:
    """`recorded("iperf3/refused.json")`: the text of a file below tests/data."""
    return lambda path: (DATA / path).read_text()
