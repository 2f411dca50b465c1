"""What a tool's host tells of its events: the script runs here, on files like a tool's."""

import os
import subprocess
from pathlib import Path

import pytest

from tasks.model.errors import ParseError
from tasks.programs import event_counts

BEFORE = "event 1\nLost 7 events\n"
PRINTED = "event 2\nevent 3\nLost 690 events\nLost 10 events\nLost 10 events\nno event\n"
ERRORS = "Possibly lost 30 samples\nlost 4 events on CPU #1!\nWARNING: 5 events lost\n"
OTHER = "dropped 9 packets\nlost connection\nLost carrier 3\n"


def counts(
    folder: Path, *, line: str = "^event ", sums: bool = False, filtered: str | None = None,
    printed: str = PRINTED + OTHER, errors: str = ERRORS,
) -> event_counts.EventCounts:  # fmt: skip
    out, err = folder / "out", folder / "err"
    out.write_text(BEFORE)
    err.write_text("")

    def reading(label: str, read: tuple[int, int] = (0, 0)) -> str:
        words = event_counts.argv(label, (os.getpid(),), str(out), str(err), read)
        env = os.environ | event_counts.environment(line, sums, filtered)
        return subprocess.run(words, capture_output=True, text=True, check=True, env=env).stdout

    start = reading("start")
    out.write_text(BEFORE + printed)
    err.write_text(errors)
    return event_counts.parse(start + reading("end", event_counts.parse_sizes(start)), "events.log")


def test_lines_and_announced_losses_of_the_piece_are_counted_and_nothing_before(tmp_path: Path):
    found = counts(tmp_path)
    assert found.reported == 2
    assert found.announced == 690 + 10 + 10 + 30 + 4 + 5
    assert found.filtered is None
    assert found.end.output_bytes == len(BEFORE + PRINTED + OTHER + ERRORS)


def test_a_tool_that_drops_packets_has_not_lost_events(tmp_path: Path):
    assert counts(tmp_path, printed=OTHER, errors="").announced == 0


def test_a_histogram_is_summed(tmp_path: Path):
    printed = (
        "@bytes:\n[64, 128)      120 |@@@ |\n[1K, 2K)   5 |@ |\n[2]   7 |@|\nskipped: 42 others\n"
    )
    found = counts(
        tmp_path, line=r"^\[[^])]*[])]", sums=True, filtered="^skipped:", printed=printed
    )
    assert (found.reported, found.filtered) == (132, 42)


def test_a_full_map_is_heard_of(tmp_path: Path):
    text = "stdin:1: WARNING: Map full; can't update element. Try increasing max_map_keys\n" * 3
    assert counts(tmp_path, errors=text).map_full == 3


def test_a_reading_that_is_cut_is_no_account(tmp_path: Path):
    text = "==> start kernel <==\n6.1.0\n==> end kernel <==\n6.1.0\n"
    with pytest.raises(ParseError, match="missing or cut"):
        event_counts.parse(text, "events.log")
