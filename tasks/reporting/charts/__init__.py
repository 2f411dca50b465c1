"""Static SVG charts, drawn with Altair and rendered offline; None if there is nothing to draw.

Each takes the `View`; a table of the same section holds the numbers. `forest` is drawn by hand into
the tables' cells, thousands of strips in a page (`strip`).
"""

from ..document import Chart
from .across import environments
from .cost import kernel, tool_cpu
from .forest import Forest
from .levels import drift, percentiles
from .rates import rates

__all__ = ["Chart", "Forest", "drift", "environments", "kernel", "percentiles", "rates", "tool_cpu"]
