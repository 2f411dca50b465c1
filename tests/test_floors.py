"""Which package may import which, checked on the import statements."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PACKAGES = {
    # package -> packages that it may import
    "model": set(),
    "programs": {"model"},
    "storage": {"model"},
    "planning": {"model", "programs"},
    "remote": {"model"},
    "lab": {"model", "programs"},
    "discovery": {"model", "programs"},
    "statistics": {"model", "storage"},
    "reporting": {"model", "storage", "statistics"},
    "quality": {"model", "storage"},
    "reading": {"model", "programs", "storage", "quality"},
    "execution": {"model", "programs", "storage", "planning", "reading"},
}
ONLY = {"asyncssh": "remote", "great_expectations": "quality"}
MODEL_LIBRARIES = {"pydantic", "yaml"}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def imported(path: Path) -> set[str]:
    """Absolute dotted names of all modules that the file imports, at any level."""
    package = path.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def package_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "tasks" and len(parts) > 1 and parts[1] in PACKAGES else None


TASKS = {path.stem for path in (ROOT / "tasks").glob("*.py")} - {"__init__"}


def test_every_folder_below_tasks_is_a_known_package():
    folders = {p.name for p in (ROOT / "tasks").iterdir() if p.is_dir() and any(p.glob("*.py"))}
    assert folders == set(PACKAGES)


def test_packages_have_no_import_cycle():
    seen: set[str] = set()
    left = dict(PACKAGES)
    while left:
        free = {package for package, below in left.items() if below <= seen}
        assert free, f"cycle among {sorted(left)}"
        seen |= free
        left = {package: below for package, below in left.items() if package not in free}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_its_allowed_packages_and_never_prefect_or_a_task(package: str):
    for path in _files(ROOT / "tasks" / package):
        for module in imported(path):
            assert not module.startswith(("prefect", "flows")), f"{path}: {module}"
            other = package_of(module)
            assert other in {None, package} | PACKAGES[package], f"{path} imports {module}"
            parts = module.split(".")
            is_task = parts[0] == "tasks" and len(parts) > 1 and parts[1] in TASKS
            assert not is_task, f"{path} imports the task {module}"


def test_model_imports_only_the_standard_library_and_what_reads_input():
    import sys

    for path in _files(ROOT / "tasks" / "model"):
        for module in imported(path):
            top = module.split(".")[0]
            known = {"tasks", *MODEL_LIBRARIES, *sys.stdlib_module_names}
            assert top in known, f"{path}: {module}"


@pytest.mark.parametrize("library", ONLY)
def test_a_library_is_imported_only_in_its_package(library: str):
    for path in [*_files(ROOT / "tasks"), *_files(ROOT / "flows")]:
        if path.relative_to(ROOT).parts[:2] == ("tasks", ONLY[library]):
            continue
        assert not any(m.split(".")[0] == library for m in imported(path)), path


def test_tasks_never_import_each_other_or_a_flow():
    for task in TASKS:
        for module in imported(ROOT / "tasks" / f"{task}.py"):
            parts = module.split(".")
            assert parts[0] != "flows", f"tasks/{task}.py imports {module}"
            assert not (parts[0] == "tasks" and len(parts) > 1 and parts[1] in TASKS), (
                f"tasks/{task}.py imports {module}"
            )


def test_flows_import_only_tasks_model_and_each_other():
    for path in _files(ROOT / "flows"):
        if path.relative_to(ROOT / "flows").as_posix() == "cli/commands/lab.py":  # no flow: the lab
            continue
        for module in imported(path):
            assert package_of(module) in {None, "model"}, f"{path} imports {module}"
