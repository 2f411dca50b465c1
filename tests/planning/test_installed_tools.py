"""Tools that a package installs on the host: their names, and where they are looked for."""

import pytest

from tasks.discovery.full_yaml import tools_of
from tasks.make_plan import selected_cases
from tasks.model.catalog import read_catalogs
from tasks.model.environment import Layer
from tasks.model.settings import Selection

from ..paths import REFERENCE_CASES


@pytest.fixture
def config_dir(tmp_path):
    for name in ("os630-kernel-510-intel-full.yaml", "os630-kernel-510-intel-cases.json"):
        (tmp_path / name).write_bytes((REFERENCE_CASES / name).read_bytes())
    return tmp_path


def test_their_scripts_are_not_looked_for_in_the_tools_folder(tmp_path):
    catalog = read_catalogs(["bcc"])
    tools = tools_of(catalog, {Layer.HOST: "x86_64"}, directory=tmp_path)
    assert "path" not in tools["categories"]["bcc/tcp"]["tools"][0]


def test_another_catalogue_replaces_the_environments_tools(config_dir):
    _, cases = selected_cases(config_dir, Selection(catalog=["bcc"]))
    assert {case.category.partition("/")[0] for case in cases} == {"bcc"}
    assert {case.package for case in cases} == {"bpfcc-tools"}
    assert "tcplife_bpfcc" in [case.name for case in cases]


def test_programs_of_one_name_from_two_packages_are_two_tools(config_dir):
    chosen = Selection(catalog=["bpftrace", "libbpf-tools"], tools=["runqlat", "runqlat.bt"])
    _, cases = selected_cases(config_dir, chosen)
    assert [case.tool for case in cases] == ["runqlat_bt", "runqlat"]


def test_a_tool_is_chosen_by_its_programs_name(config_dir):
    _, cases = selected_cases(config_dir, Selection(catalog=["bcc"], tools=["tcprtt-bpfcc"]))
    assert [case.command for case in cases] == ["/usr/sbin/tcprtt-bpfcc --interval 1"]


def test_a_published_tool_is_still_chosen_by_its_script(config_dir):
    _, cases = selected_cases(config_dir, Selection(tools=["eth_drop.py"]))
    assert {case.tool for case in cases} == {"eth_drop"}
