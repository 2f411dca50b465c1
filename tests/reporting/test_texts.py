"""One catalogue, two languages: every key has both, with the same values."""

import re
import string
from pathlib import Path

import pytest

import tasks.reporting
from tasks.reporting.texts import LANGS, Texts, catalogue

from ..languages import chinese, english_words

KEPT = {"kprobe", "tracepoint", "raw", "map", "buffer", "state", "analyze"}
"""Kinds of probes, maps and buffers of the kernel, C-states, a command."""

PACKAGE = Path(tasks.reporting.__file__).parent
LITERAL = re.compile(r"""\bt\(\s*f?["']([a-z_.{}]+(?:\[[^]]*\])?[a-z_.]*)["']""")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_both_languages_say_the_same_key_with_the_same_values(key: str) -> None:
    texts = catalogue()[key]
    assert set(texts) == set(LANGS)
    assert all(text.strip() for text in texts.values())
    assert placeholders(texts["zh"]) == placeholders(texts["en"])


def test_every_key_that_is_written_out_in_the_code_is_in_the_catalogue() -> None:
    files = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.j2")]
    keys = {key for file in files for key in LITERAL.findall(file.read_text("utf-8"))}
    plain = {key for key in keys if "{" not in key and "." in key}
    assert len(plain) > 50
    assert plain <= set(catalogue())


def test_an_unknown_key_is_an_error_and_an_unknown_name_is_itself() -> None:
    with pytest.raises(KeyError):
        Texts("en")("no.such.key")
    assert Texts("en").term("tool_class", "something_new") == "something_new"
    assert Texts("zh").term("tool_class", "summary") == "汇总"


def test_a_sentence_of_a_check_falls_back_to_english() -> None:
    assert Texts("zh").one_of({"message": "m", "message_zh": "信"}, "message") == "信"
    assert Texts("zh").one_of({"message": "m", "message_zh": None}, "message") == "m"
    assert Texts("en").one_of({"message": "m", "message_zh": "信"}, "message") == "m"


@pytest.mark.parametrize("key", sorted(set(catalogue()) - {"report.other_lang"}))
def test_each_side_is_in_its_own_language(key: str) -> None:
    """The link to the other language is the one text in that language."""
    texts = catalogue()[key]
    assert not chinese(texts["en"])
    own = re.sub(r"`[^`]*`|--[\w-]+", "", texts["zh"])
    assert not set(english_words(own)) - KEPT
