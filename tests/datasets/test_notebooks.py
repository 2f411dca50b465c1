"""The notebooks over a made-up dataset with known effects, over an empty one, and as scripts."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import ebpf_overhead
import pytest

from datasets.notebooks import example, what_changed, which_tools
from datasets.notebooks.pages import write_page
from tasks.analyze import analyze_runs
from tasks.ingest import ingest_tree
from tasks.model.names import ROOT
from tasks.storage.dataset import Dataset
from tasks.storage.schema import TABLES

from ..languages import chinese, english_words

NOTEBOOKS = {"which_tools": which_tools.app, "what_changed": what_changed.app}
EXAMPLES = ROOT / "datasets" / "notebooks" / "examples"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("example")
    example.write_example(path)
    return path


@pytest.fixture(scope="module")
def one_night(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("night")
    for environment in ebpf_overhead.open(root).latest()["environment"]:
        own = {"environment": environment, "run": "night-15"}
        tables = {n: Dataset(root).scan(n).filter(**own).collect() for n in TABLES}
        Dataset(path).replace(environment, "night-15", tables)
    return path


def run(name: str, root: Path, **given: object) -> dict[str, object]:
    """The variables that the notebook's cells defined; `given` replaces a cell's own."""
    _, defined = NOTEBOOKS[name].run(defs={"root": str(root), "lang": "en"} | given)
    return dict(defined)


def test_which_tools_gives_each_tool_the_answer_of_its_costs(root):
    given = run("which_tools", root)["given"]
    answers = {(row["environment"], row["tool"]): row["answer"] for row in given.to_dicts()}
    for environment in ("lab-419-intel", "lab-510-arm"):
        assert answers[environment, "eth_drop"] == "not_at_all"
        assert answers[environment, "tun_ring_monitor"] == "minutes"
        assert answers[environment, "system_network_latency_summary"] == "long"
        assert answers[environment, "system_network_latency_details"] == "with_filter"


def test_which_tools_knows_the_kernel_the_tools_ran_on(root):
    known = run("which_tools", root)["known"]
    kernels = dict(known.select("environment", "kernel").iter_rows())
    assert kernels["lab-510-arm"] == "5.10.0-247.0.0.oe1.v77.aarch64"
    assert kernels["lab-419-intel"].startswith("4.19.90")


def test_which_tools_shows_the_chosen_kernel_only(root):
    chosen = SimpleNamespace(value="5.10.0-247.0.0.oe1.v77.aarch64")
    given = run("which_tools", root, every="*", kernel=chosen)["given"]
    assert set(given["environment"]) == {"lab-510-arm"}


def test_which_tools_reads_a_published_tree_that_knows_no_kernel(tmp_path):
    (ingested,) = ingest_tree.fn(ROOT / "tests/data/legacy-results", str(tmp_path), "old", "r1")
    analyze_runs.fn(str(tmp_path), [ingested.key])
    given = run("which_tools", tmp_path)["given"]
    assert set(given["tool"]) == {"summ", "det"}


def test_what_changed_names_the_tool_whose_cost_rose_and_no_other(root):
    moved = run("what_changed", root)["moved"]
    assert set(moved.select("environment", "case", "verdict").iter_rows()) == {
        ("lab-510-arm", "system_network_latency_details", "worse")
    }
    assert moved.height == 3


def test_what_changed_tells_a_new_tool_from_slower_hosts(root):
    lasting = run("what_changed", root)["lasting"]
    found = set(lasting.select("environment", "case", "kind", "night").iter_rows())
    assert {(*row[:3], f"{row[3]:%m-%d}") for row in found} == {
        ("lab-510-arm", "system_network_latency_details", "epoch", "11-17"),
        ("lab-419-intel", "baseline", "level", "11-18"),
    }


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize(("lang", "words"), [("en", "holds no run yet"), ("zh", "还没有任何批次")])
def test_an_empty_dataset_is_explained_in_a_sentence(name, lang, words, tmp_path):
    page = tmp_path / "page.html"
    write_page(NOTEBOOKS[name], page, tmp_path / "none", lang)
    text = page.read_text("utf-8")
    assert words in text
    assert "Traceback" not in text


def test_without_a_run_a_week_older_there_is_nothing_to_compare(one_night, tmp_path):
    page = tmp_path / "page.html"
    write_page(what_changed.app, page, one_night, "en")
    assert "nothing to compare with yet" in page.read_text("utf-8")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_a_script_too(name, one_night):
    done = subprocess.run(
        [sys.executable, ROOT / "datasets" / "notebooks" / f"{name}.py", "--datasets", one_night],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_page_of_a_notebook_needs_no_network_and_the_kept_one_shows_the_same(
    name, lang, root, tmp_path
):
    page = tmp_path / f"{name}.{lang}.html"
    write_page(NOTEBOOKS[name], page, root, lang)
    for path in (page, EXAMPLES / page.name):
        text = path.read_text("utf-8")
        assert len(text) < 1_000_000
        assert "<svg" in text or "data:image/svg+xml" in text
        assert not re.search(r'<marimo-|<script|(src|href)="https?:', text)
    assert _tables(page) == _tables(EXAMPLES / page.name), "run: python -m datasets.notebooks"


def _tables(page: Path) -> list[str]:
    return re.findall(r"<td[^>]*>([^<]*)</td>", page.read_text("utf-8"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_tables_of_a_chinese_page_hold_no_english_sentence(name):
    text = (EXAMPLES / f"{name}.zh.html").read_text("utf-8")
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", text)
    cells = [cell for cell in _tables(EXAMPLES / f"{name}.zh.html") if chinese(cell)]
    kernels = {"environment", "run", "node", "kernel", "arch", "cpu", "started", "started_before"}
    assert not [head for head in heads if english_words(head) and head not in kernels]
    assert not [cell for cell in cells if english_words(cell)]
