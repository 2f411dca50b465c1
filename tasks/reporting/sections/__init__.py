"""One file for each part of the report: `View` in, `Section` out, None where there is no data."""

from collections.abc import Callable, Sequence

from ..document import Section
from ..view import View
from . import (
    appendix,
    architectures,
    baseline_levels,
    conclusions,
    credibility,
    environments,
    layers,
    method,
    percentiles,
    tools,
    verdict,
)

ORDER: Sequence[Callable[[View], Section | None]] = (
    verdict.section,
    method.section,
    environments.section,
    environments.locations,
    tools.effects,
    tools.design,
    tools.details,
    tools.protocols,
    tools.resources,
    baseline_levels.section,
    layers.section,
    percentiles.section,
    architectures.section,
    credibility.section,
    conclusions.section,
    conclusions.recommendations,
    appendix.section,
)
"""The report, top to bottom: the verdict first."""


def build(view: View) -> list[Section]:
    """Every section that has something to say."""
    return [section for make in ORDER if (section := make(view)) is not None]
