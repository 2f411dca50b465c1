"""What a node must have before anything is measured on it."""

from collections.abc import Iterator, Mapping

from ..model.environment import Layer, Node
from ..model.errors import InputError
from ..model.facts import Facts

LOADS = ("iperf3", "netperf", "netserver")
HELPERS = ("setsid", "flock", "sha256sum", "tar")
MONITORS = ("pidstat",)  # tools run on hosts only
MIN_FREE_MIB = 512


def check_facts(node: Node, facts: Mapping[str, Facts]) -> Iterator[InputError]:
    """Everything that the node lacks, each as one line that names it."""
    found, where = facts[node.name], f"{node.name} ({node.address})"
    needed = (*LOADS, *HELPERS, *(MONITORS if node.role == Layer.HOST else ()))
    for program in needed:
        if program not in found.programs:
            yield InputError(where, program, "is not installed", "it on PATH or in /usr/sbin")
    if found.disk_free_mib is not None and found.disk_free_mib < MIN_FREE_MIB:
        yield InputError(
            where,
            "workdir",
            f"{node.workdir} has {found.disk_free_mib} MiB free",
            f"at least {MIN_FREE_MIB} MiB",
        )
