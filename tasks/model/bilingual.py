"""A sentence in both languages of the reports, put together once, where its numbers are known.

Tables hold it in two columns, `reason` and `reason_zh`. Logs and the terminal show the English.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One text, or part of one, in English and in Chinese."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.en

    def __add__(self, other: "Bilingual") -> "Bilingual":
        return Bilingual(self.en + other.en, self.zh + other.zh)

    def format(self, **values: object) -> "Bilingual":
        """Both templates with their {names} filled in; each takes its own side of a Bilingual."""
        sides = [
            {name: getattr(value, lang) if isinstance(value, Bilingual) else value
             for name, value in values.items()}
            for lang in ("en", "zh")
        ]  # fmt: skip
        return Bilingual(self.en.format(**sides[0]), self.zh.format(**sides[1]))


def same(text: str) -> Bilingual:
    """Numbers, names and what a program said: the same in both languages."""
    return Bilingual(text, text)


def joined(parts: Iterable[Bilingual], en: str = "; ", zh: str = "；") -> Bilingual:
    """The parts, with a separator of each language between them."""
    listed = list(parts)
    return Bilingual(en.join(part.en for part in listed), zh.join(part.zh for part in listed))


def unit(name: str) -> Bilingual:
    """A unit of `metrics.METRICS`; most are symbols."""
    return Bilingual(name, _UNITS_ZH.get(name, name))


_UNITS_ZH = {"% of one CPU": "%（单核）"}
