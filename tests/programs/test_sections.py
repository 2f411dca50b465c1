"""Sections of a script's output; no text inside a section can pass for a header."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.programs.sections import QUOTE, sections


def test_a_section_is_the_text_up_to_the_next_header():
    assert sections("lost\n==> a <==\n1\n\n2\n\n==> b c <==\n==> a <==\n3\n") == {
        "a": "1\n\n2\n\n3",
        "b c": "",
    }


@pytest.mark.parametrize("line", ["x @ 2.20GHz", " ==> b <==", "==> b", "x ==> b <==", "@ b"])
def test_a_line_that_is_not_a_whole_header_belongs_to_the_section(line):
    assert sections(f"==> a <==\n1\n{line}\n2\n") == {"a": f"1\n{line.strip()}\n2"}


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"))))
def test_quoted_text_comes_back_whole_whatever_it_holds(lines):
    quoted = "".join(f" {line}\n" for line in [*lines, "==> b <==", "end"])
    found = sections(f"==> a <==\n{quoted}==> c <==\n")
    assert found == {"a": "\n".join([*lines, "==> b <==", "end"]).strip(), "c": ""}


def test_the_shell_function_quotes_every_line():
    printed = subprocess.run(
        ["sh", "-c", f"{QUOTE}echo '==> a <=='; printf '==> b <==\\n x\\n' | quote"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert sections(printed) == {"a": "==> b <==\n x"}
