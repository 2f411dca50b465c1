"""Static SVG charts, drawn with Altair and rendered offline; None if there is nothing to draw.

Each takes the `View`; a table of the same section holds the numbers.
"""

from ..document import Chart
from .across import environments
from .cost import kernel, tool_cpu
from .forest import forests
from .levels import drift, percentiles

__all__ = ["Chart", "drift", "environments", "forests", "kernel", "percentiles", "tool_cpu"]
