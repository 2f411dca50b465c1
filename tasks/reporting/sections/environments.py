"""Where it was measured: hosts and VMs as discovery found them, and where the data lies."""

from collections.abc import Iterator

from ...model.facts import Facts
from ..columns import matrix, named_columns
from ..document import Cell, ReportTable, Section
from ..numbers import DASH, memory
from ..view import View, settings


def section(view: View) -> Section:
    t = view.t
    title = t("environments.title")
    facts = {
        environment: [Facts.model_validate(node) for node in settings(text).values()]
        for environment, text in view.bundle.runs.sort("environment")["environment", "facts"].rows()
        if settings(text)
    }
    if not facts:
        return Section("environments", title, t("environments.none"))
    specifications = [_specification(view, name, nodes) for name, nodes in facts.items()]
    return Section("environments", title, _overview(view, facts), *specifications)


def _overview(view: View, facts: dict[str, list[Facts]]) -> ReportTable:
    t = view.t
    heads = [t(f"facts.{key}") for key in ("kernel", "arch", "distribution")]
    rows = []
    for name, (node, *_) in facts.items():
        arch = " ".join(filter(None, (_vendor(node), node.arch)))
        rows.append((name, _cells(node.kernel, arch, node.distribution)))
    return matrix(t("environments.overview"), [t("head.environment"), *heads], rows)


def _vendor(node: Facts) -> str:
    """The CPU vendor, from the model name; empty if unknown."""
    model = (node.cpu.model or "").lower()
    names = {"intel": "Intel", "hygon": "Hygon", "kunpeng": "ARM", "amd": "AMD"}
    return next((name for key, name in names.items() if key in model), "")


def _specification(view: View, environment: str, nodes: list[Facts]) -> ReportTable:
    """A column for each node, a row for each fact known of at least one of them."""
    heads = [view.t("head.item"), *(node.node for node in nodes)]
    return matrix(environment, heads, _known(view, nodes), search=False)


def _known(view: View, nodes: list[Facts]) -> Iterator[tuple[str, list[Cell]]]:
    for key, value in _SPECIFICATION.items():
        cells = _cells(*(value(node) for node in nodes))
        if any(cell.text != DASH for cell in cells):
            yield view.t(f"facts.{key}"), cells


def _cells(*values: object) -> list[Cell]:
    return [Cell(DASH if value in (None, "") else str(value)) for value in values]


def _nic(node: Facts) -> str:
    """The interface that carries the test traffic: name, driver, speed."""
    nic = next((n for n in node.nics if n.name == node.interface), None)
    speed = f"{nic.speed_mbps / 1000:g} Gbit/s" if nic and nic.speed_mbps else None
    return " · ".join(filter(None, (node.interface, nic.driver if nic else None, speed)))


def _bpf(node: Facts) -> str:
    """What the kernel offers; "?" where discovery could not find out."""
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
    "memory": lambda n: memory(n.memory_mib),
    "virtualization": lambda n: n.cpu.virtualization,
    "test_ip": lambda n: n.test_ip,
    "internal_port": lambda n: n.internal_port,
    "nic": _nic,
    "bpf": _bpf,
    "programs": _programs,
}


def locations(view: View) -> Section | None:
    """Where the raw results are and which partition of the datasets holds the tables."""
    t = view.t
    runs = view.bundle.runs.sort("environment").to_dicts()
    for run in runs:
        run["raw"] = run["raw_path"]
        run["partition"] = f"*/environment={run['environment']}/run={run['run']}/"
    columns = named_columns(t, "environment", "run", "source", "raw", "partition")
    table = ReportTable("", columns, runs)
    return Section("data", t("locations.title"), t("locations.lead"), table) if runs else None
