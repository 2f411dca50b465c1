"""What a rule is.

A rule's `judge` takes the tables and returns one row for each subject that it judged:
`environment`, `run`, whichever other columns of `KEYS` place the subject, `failed` (null: could
not be judged), and for the failed ones `observed` and `expected`: numbers, symbols and names. Where
one of them holds words, `observed_zh` or `expected_zh` has them in Chinese.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from ..model.bilingual import Bilingual
from ..storage.schema import EFFECTS, PARTITION

Tables = Mapping[str, pl.DataFrame]
"""All eight tables by name, each of its full schema."""

KEYS = (*PARTITION, "layer", "tool", "case", "workload", "metric", "iteration", "position")
"""The columns of `checks` that place a finding; null: it concerns all of them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One anomaly rule. Texts may use {observed}, {expected} and the names of `KEYS`."""

    id: str
    severity: str  # blocks a verdict | warns | informs
    judge: Callable[[Tables], pl.DataFrame]
    message: Bilingual
    advice: Bilingual
    scope: tuple[str, ...] = EFFECTS.key
    """Where it blocks: the effects that share these columns with the finding are withheld."""
