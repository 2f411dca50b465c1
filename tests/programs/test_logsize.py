"""The published log-size monitor."""

import pytest

from tasks.model.errors import ParseError
from tasks.programs import logsize


def test_every_size_is_read(recorded):
    sizes = logsize.parse(recorded("logsize/published_monitor.log"), "x")
    assert sizes[0] == logsize.LogSize(pytest.approx(1795352659.467812503), 591)
    assert [size.local_s for size in sizes] == sorted({size.local_s for size in sizes})
    assert sizes[-1].size_bytes > sizes[0].size_bytes


def test_comments_alone_are_no_sizes():
    assert logsize.parse("# Timestamp  Size_Bytes\n", "x") == ()


def test_a_last_line_cut_by_the_monitors_end_is_not_read():
    text = "2026-11-22 13:04:19.5 591 591B\n2026-11-22 13:04:21.5 6"
    assert [size.size_bytes for size in logsize.parse(text, "x")] == [591]


def test_a_time_that_never_was_is_refused():
    with pytest.raises(ParseError, match="no such time"):
        logsize.parse("2026-13-22 13:04:19 5\n", "x")


@pytest.mark.parametrize("line", ["stat: cannot stat", "2026-11-22 13:04:19 -1 0B", "13:04:19 5"])
def test_any_other_line_is_refused(line):
    with pytest.raises(ParseError, match="not a size"):
        logsize.parse(line + "\n", "x")
