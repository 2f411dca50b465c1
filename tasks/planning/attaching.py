"""What tools attach to, and whether the kernels of an environment have it, as discovery found."""

from collections.abc import Iterable
from pathlib import Path

from ..model.catalog import Catalog, Traits
from ..model.documents import read_text
from ..model.facts import Facts
from ..programs.attach_points import Symbols, bpftrace_attach_points, symbols_of


def attach_points(
    script: str, category: str, traits: Traits, folder: Path | None
) -> tuple[str, ...]:
    """A tool's attach points: as its catalogue says, else as its bpftrace program does.

    folder: of the scripts on this machine; None: they are not here, and nothing is known.
    """
    if traits.attaches or traits.package or folder is None or not script.endswith(".bt"):
        return traits.attaches
    files = (folder / category / script, folder / script)
    found = next((file for file in files if file.is_file()), None)
    return bpftrace_attach_points(read_text(found)) if found else ()


def asked_of_kernels(catalogs: Iterable[Catalog], folder: Path | None) -> list[str]:
    """The symbols behind the attach points of all these catalogues' tools."""
    return symbols_of(
        point
        for catalog in catalogs
        for name, category in catalog.categories.items()
        for tool in category.tools
        for point in attach_points(tool.script, name, tool, folder)
    )


def symbols_in(facts: Facts) -> Symbols:
    """What discovery found of a kernel's symbols."""
    return Symbols(facts.kernel or "?", facts.bpf.has, facts.bpf.lacks)
