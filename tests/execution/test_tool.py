"""The argument list of a tool's command."""

import pytest

from tasks.execution.tool import argv_of
from tasks.model.environment import Layer
from tasks.model.plan import Case, CaseKind


@pytest.mark.parametrize(
    ("command", "is_root", "words"),
    [
        ("sudo python3 tool.py --a 1", True, ("python3", "tool.py", "--a", "1")),
        ("sudo python3 tool.py", False, ("sudo", "python3", "tool.py")),
        ("bpftrace 'a b.bt' x;y", True, ("bpftrace", "a b.bt", "x;y")),
    ],
)
def test_a_command_is_split_into_words_and_root_needs_no_sudo(command, is_root, words):
    case = Case(1, "tool", CaseKind.TOOL, Layer.HOST, command=command)
    assert argv_of(case, is_root=is_root) == words
