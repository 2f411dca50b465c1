"""The sentences behind a verdict exist in both languages, each in its own."""

import string

import pytest

from tasks.model.bilingual import Bilingual
from tasks.statistics.reasons import REASONS, counted, say

from ..languages import chinese, english_words


def fields(text: str) -> list[str | None]:
    return sorted(str(name) for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("key", sorted(REASONS))
def test_a_reason_is_english_and_chinese_with_the_same_values(key: str) -> None:
    reason = REASONS[key]
    assert fields(reason.en) == fields(reason.zh)
    assert not chinese(reason.en)
    assert not english_words(reason.zh)


def test_a_reason_inside_a_reason_keeps_its_language() -> None:
    lost = say("times", problem=say("none_after"), count=2)
    assert lost == Bilingual("no baseline after it (2×)", "之后没有基线（2 次）")


def test_one_is_singular() -> None:
    assert [counted(n, "night").en for n in (1, 2)] == ["1 night", "2 nights"]


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("no such reason")
