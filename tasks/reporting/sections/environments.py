"""Where it was measured: hosts and VMs as discovery found them, and where the data lies."""

from ...model.facts import Facts
from ..document import Block, Cell, Column, Heading, Prose, Section, Table
from ..numbers import DASH, number
from ..view import View, settings


def section(view: View) -> Section:
    t = view.t
    facts = facts_by_environment(view)
    if not facts:
        title = t("environments.title")
        return Section("environments", title, (Prose(t("environments.none")),))
    blocks: list[Block] = [_overview(view, facts)]
    for name, nodes in facts.items():
        blocks += [Heading(name), _specification(view, nodes)]
    return Section("environments", t("environments.title"), blocks)


def facts_by_environment(view: View) -> dict[str, list[Facts]]:
    """Environment -> what was found on its nodes; environments without facts are not in it."""
    found = {}
    for run in view.bundle.runs.sort("environment").iter_rows(named=True):
        nodes = [Facts.model_validate(item) for item in (settings(run["facts"]) or {}).values()]
        if nodes:
            found[run["environment"]] = nodes
    return found


def _overview(view: View, facts: dict[str, list[Facts]]) -> Table:
    t = view.t
    rows = []
    for name, nodes in facts.items():
        first = nodes[0]
        arch = " ".join(filter(None, (_vendor(first), first.arch)))
        rows.append([Cell(name), *_words(first.kernel, arch, first.distribution)])
    columns = [Column(t("head.environment"))]
    columns += [Column(t(f"facts.{key}")) for key in ("kernel", "arch", "distribution")]
    return Table(t("environments.overview"), columns, rows)


def _vendor(node: Facts) -> str:
    """The processor's maker, as far as its model's name tells."""
    model = (node.cpu.model or "").lower()
    names = {"intel": "Intel", "hygon": "Hygon", "kunpeng": "ARM", "amd": "AMD"}
    return next((name for key, name in names.items() if key in model), "")


def _specification(view: View, nodes: list[Facts]) -> Table:
    """A column for each node, a row for each thing known of at least one of them."""
    t = view.t
    rows = []
    for key, values in _SPECIFICATION.items():
        cells = _words(*(values(node) for node in nodes))
        if any(cell.text != DASH for cell in cells):
            rows.append([Cell(t(f"facts.{key}")), *cells])
    columns = [Column(t("head.item")), *(Column(node.node) for node in nodes)]
    return Table("", columns, rows, search=False)


def _words(*values: object) -> list[Cell]:
    return [Cell(str(value)) if value not in (None, "") else Cell(DASH) for value in values]


def _memory(node: Facts) -> str | None:
    return None if node.memory_mib is None else f"{number(node.memory_mib / 1024, 0)} GiB"


def _nic(node: Facts) -> str:
    """The interface that carries the test traffic: name, driver, speed."""
    nic = next((n for n in node.nics if n.name == node.interface), None)
    speed = f"{nic.speed_mbps / 1000:g} Gbit/s" if nic and nic.speed_mbps else None
    return " · ".join(filter(None, (node.interface, nic.driver if nic else None, speed)))


def _bpf(node: Facts) -> str:
    """What the kernel offers; "?" where it was not found out."""
    marks = {True: "✓", False: "✗", None: "?"}
    found = node.bpf.model_dump()
    return " ".join(f"{name} {marks[found[name]]}" for name in ("btf", "kprobes", "tracepoints"))


def _programs(node: Facts) -> str:
    return ", ".join(f"{name} {version or ''}".strip() for name, version in node.programs.items())


_SPECIFICATION = {
    "distribution": lambda n: n.distribution,
    "kernel": lambda n: n.kernel,
    "arch": lambda n: n.arch,
    "cpu_model": lambda n: n.cpu.model,
    "sockets": lambda n: n.cpu.sockets,
    "cores_per_socket": lambda n: n.cpu.cores_per_socket,
    "threads_per_core": lambda n: n.cpu.threads_per_core,
    "cpus": lambda n: n.cpu.cpus,
    "numa_nodes": lambda n: n.cpu.numa_nodes,
    "governor": lambda n: n.cpu.governor,
    "memory": _memory,
    "virtualization": lambda n: n.cpu.virtualization,
    "test_ip": lambda n: n.test_ip,
    "internal_port": lambda n: n.internal_port,
    "nic": _nic,
    "bpf": _bpf,
    "programs": _programs,
}


def locations(view: View) -> Section | None:
    """Where the raw trees lay and which partition of the datasets holds the tables."""
    t = view.t
    if view.bundle.runs.is_empty():
        return None
    rows = [
        [
            Cell(run["environment"]),
            Cell(run["run"]),
            Cell(t(f"source.{run['source']}")),
            Cell(run["raw_path"] or DASH, mark="name"),
            Cell(f"*/environment={run['environment']}/run={run['run']}/", mark="name"),
        ]
        for run in view.bundle.runs.sort("environment").iter_rows(named=True)
    ]
    keys = ("environment", "run", "source", "raw", "partition")
    table = Table("", [Column(t(f"head.{key}")) for key in keys], rows)
    return Section("data", t("locations.title"), (Prose(t("locations.lead")), table))
