"""A lab in a machine of its own: QEMU boots a kernel, and the lab's code builds the lab inside.

    this machine   127.0.0.1:PORT ── QEMU's user network ─┬─ eth0 ─ sshd of the machine
                                                          └─ eth1 ─ the lab's management network

The code is the same on both sides: it is sent to the machine and run there (`inside.py`). Nothing
is created on this machine but QEMU's process and the lab's files.
"""

from .build import NUMBER, build, console, reserve, runs, stop
from .image import KERNELS, machine_image

__all__ = ["KERNELS", "NUMBER", "build", "console", "machine_image", "reserve", "runs", "stop"]
