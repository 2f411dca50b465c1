"""Snapshots that the supervisor wrote, also in raw trees of earlier versions."""

import pytest

from tasks.model.errors import ParseError
from tasks.programs import snapshot


@pytest.fixture
def taken(recorded):
    """A snapshot's text with one process of that name."""

    def text(label: str, command: str) -> str:
        files = ("uptime", "loadavg", "net_dev", "stat")
        body = "".join(recorded(f"proc/{name}.txt") for name in files)
        process = recorded("proc/process.txt").replace("a (b) c", command)
        return f"@ {label}\n1700000000.5\n{body}{process}throttle_count 3\n"

    return text


@pytest.mark.parametrize("command", ["a (b) c", "Xeon @ 2.20GHz", "@ end", "a\u2028@ end", "a\fb"])
def test_a_process_name_does_not_end_a_snapshot(taken, command):
    found = snapshot.parse(taken("start", command) + taken("end", "x"), "h")
    assert list(found) == ["start", "end"]
    assert [process.command for process in found["start"].processes.values()] == [command]
    assert found["start"].throttle_count == 3


def test_a_text_without_a_snapshot_or_with_a_cut_one_is_refused(taken):
    with pytest.raises(ParseError, match="no snapshot"):
        snapshot.parse("junk @ start\n", "h")
    with pytest.raises(ParseError, match="h @start: cut"):
        snapshot.parse("@ start\n1700000000.5\n", "h")
