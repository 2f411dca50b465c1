"""What the clock of an environment's hosts counts."""

from enum import StrEnum


class Clock(StrEnum):
    """What a host's clock counts.

    `instructions`: the host is an emulated machine of one CPU whose time is the number of
    instructions that it has executed (QEMU `-icount`). Figures say how much work a tool adds; they
    know nothing of caches, memory, branch misses or CPUs waiting for each other. A guest second
    lasts several of ours.
    """

    WALL = "wall"
    INSTRUCTIONS = "instructions"


INSTRUCTIONS_PACE = 20.0
"""Seconds of ours that a second of such a host lasts at most: 2 to 6 are usual under load."""
