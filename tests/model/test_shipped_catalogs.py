"""config/catalogs: the tools of BCC, bpftrace and libbpf-tools, found by name."""

import pytest

from tasks.model.catalog import catalog_names, catalog_path, read_catalog, read_catalogs
from tasks.model.errors import InputError
from tasks.model.inputs import read_minimal_input
from tasks.model.names import ROOT
from tasks.statistics.prediction import EMPTY_PROBES

PACKAGES = {"bcc": "bpfcc-tools", "bpftrace": "bpftrace", "libbpf-tools": "libbpf-tools"}
HOSTS = """
environment: lab
nodes:
  a: {ssh: root@192.0.2.1, workdir: /srv/bench, role: host}
  b: {ssh: root@192.0.2.2, workdir: /srv/bench, role: host}
test_pairs: {host: {server: a, client: b}}
"""


def tools_of(name):
    categories = read_catalog(catalog_path(name)).categories.values()
    return [tool for category in categories for tool in category.tools]


def test_what_is_shipped_can_be_named():
    assert catalog_names() == sorted([*PACKAGES, EMPTY_PROBES])


def test_an_empty_probe_has_nothing_in_it_and_names_its_place():
    for tool in tools_of(EMPTY_PROBES):
        assert tool.command.split("'")[1].endswith(" { }"), tool.script
        assert len(tool.attaches) == 1 and tool.package == "bpftrace"
    (category,) = read_catalog(catalog_path(EMPTY_PROBES)).categories
    assert category == EMPTY_PROBES, "by which the analysis knows them"


@pytest.mark.parametrize("name", PACKAGES)
def test_each_tool_is_an_installed_program_with_class_and_readiness(name):
    for tool in tools_of(name):
        assert tool.package == PACKAGES[name], tool.script
        assert f"/usr/sbin/{tool.script}" in tool.command.split(), tool.script
        assert tool.tool_class is not None, tool.script
        if tool.script != "tcprtt":  # its first program is a trial of fentry
            assert tool.readiness.programs, tool.script


def test_a_bcc_tool_may_compile_for_minutes():
    assert {tool.readiness.deadline_s for tool in tools_of("bcc")} == {600}


def test_the_shipped_catalogues_fit_together():
    categories = read_catalogs(sorted(PACKAGES)).categories
    scripts = [tool.script for category in categories.values() for tool in category.tools]
    assert len(scripts) == len(set(scripts)) == 36


def test_a_file_is_named_by_its_path_and_comes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("categories: {}\n")
    assert catalog_path("mine.yaml") == (tmp_path / "mine.yaml").resolve()
    assert catalog_path("bcc") == ROOT / "config/catalogs/bcc.yaml"


def test_the_project_folders_own_catalogues_take_precedence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "config/catalogs/bcc.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("categories: {}\n")
    assert catalog_path("bcc") == own.resolve()


def test_an_unknown_name_is_one_line_with_what_there_is():
    with pytest.raises(InputError) as error:
        read_catalogs(["bbc"])
    assert str(error.value) == (
        "selection: catalog: no catalogue 'bbc'; expected bcc, bpftrace, empty-probes, "
        "libbpf-tools, or a file"
    )


def test_two_catalogues_with_one_category_are_refused():
    with pytest.raises(InputError, match="bpftrace repeats the category bpftrace/scheduler"):
        read_catalogs(["bpftrace", "bpftrace"])


def test_a_minimal_input_names_a_shipped_catalogue_or_a_file(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(HOSTS + "tools: {catalog: libbpf-tools}\n")
    assert read_minimal_input(path).tools.catalog == ROOT / "config/catalogs/libbpf-tools.yaml"
    (tmp_path / "c.yaml").write_text("categories: {}\n")
    path.write_text(HOSTS + "tools: {catalog: c.yaml}\n")
    assert read_minimal_input(path).tools.catalog == tmp_path / "c.yaml"
