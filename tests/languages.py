"""What a reader of one language cannot read: English words in Chinese text, Chinese in English."""

import re

_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_WORD = re.compile(r"(?<![\w./\-{$%])[A-Za-z]{3,}(?![\w/\-}.=]|\s*\()")
"""A word of letters alone: no identifier, path, option, placeholder or file name."""

_TERMS = """
    eBPF link tcp udp iperf netperf pidstat bpftrace bpftool perf ethtool sshd
    Gbit Mbit bit MiB GiB KiB min moderated Excel parquet English Prefect Great Expectations
    Hodges Lehmann Benjamini Hochberg
"""
FIELD_TERMS = frozenset(_TERMS.split())
"""Programs, symbols, units and names, which both languages share."""


def english_words(text: str) -> list[str]:
    """The English words in a Chinese text, without abbreviations, `FIELD_TERMS` and identifiers."""
    words = [word for word in _WORD.findall(text) if not word.isupper()]
    return [word for word in words if word not in FIELD_TERMS]


def chinese(text: str) -> str:
    """The Chinese characters and punctuation in a text."""
    return "".join(_CHINESE.findall(text))
