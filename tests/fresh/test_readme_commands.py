"""What a README tells a stranger to type is one thing in both languages."""

from .readme_commands import README, README_ZH, first_commands, packages_beforehand


def test_both_readmes_begin_with_the_same_commands() -> None:
    assert first_commands(README) == first_commands(README_ZH)
    assert first_commands(README)[-2:] == ["make setup", "make demo"]


def test_the_readmes_name_what_has_to_be_there_before() -> None:
    assert packages_beforehand() == ["git", "make", "python3"]
