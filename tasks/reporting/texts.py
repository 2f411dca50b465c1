"""Every sentence of the report, in Chinese and English, from one catalogue (`texts.yaml`)."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Dotted key -> language -> text."""
    tree = yaml.safe_load(Path(__file__).with_name("texts.yaml").read_text("utf-8"))
    return dict(_leaves(tree, ""))


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for key, value in tree.items():
        if set(value) & set(LANGS):
            yield prefix + key, value
        else:
            yield from _leaves(value, f"{prefix}{key}.")


class Texts:
    """The catalogue in one language: `texts("verdict.title", n=3)`. An unknown key raises."""

    def __init__(self, lang: Lang) -> None:
        self.lang = lang

    def __call__(self, key: str, **values: object) -> str:
        text = catalogue()[key][self.lang].strip()
        return text.format(**values) if values else text

    def optional(self, key: str) -> str:
        """The text, empty where the catalogue has none."""
        return self(key) if key in catalogue() else ""

    def term(self, group: str, name: str | None) -> str:
        """The text of `name` in a group, or the name itself where the catalogue has none."""
        if not name:
            return "—"
        entry = catalogue().get(f"{group}.{name}")
        return entry[self.lang].strip() if entry else name

    def listed(self, items: Iterable[str]) -> str:
        """`a, b`."""
        return ("、" if self.lang == "zh" else ", ").join(items)

    def clauses(self, items: Iterable[str]) -> str:
        """`a is so; b is not`."""
        return ("；" if self.lang == "zh" else "; ").join(items)

    def group(self, name: str) -> dict[str, str]:
        """The texts of a group by the last part of their keys."""
        known = {key.removeprefix(f"{name}."): text for key, text in catalogue().items()
                 if key.startswith(f"{name}.")}  # fmt: skip
        return {key: text[self.lang].strip() for key, text in known.items()}

    def one_of(self, row: Mapping[str, Any], column: str) -> str:
        """A sentence that a table holds in both languages (`message`, `message_zh`)."""
        chinese = row.get(f"{column}_zh") if self.lang == "zh" else None
        return chinese or row.get(column) or "—"
