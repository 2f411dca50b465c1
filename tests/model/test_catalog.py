"""config/tools.yaml: the 23 tools, and how mistakes in a catalogue are reported."""

import pytest

from tasks.lab.minimal_input import CATALOG as LAB_CATALOG
from tasks.lab.minimal_input import MACHINE_CATALOG, TOOLS, machine_catalog
from tasks.model.catalog import read_catalog
from tasks.model.errors import InputError
from tasks.model.plan import Readiness, ToolClass


@pytest.fixture
def error_lines(tmp_path):
    def read(tool: str) -> list[str]:
        path = tmp_path / "c.yaml"
        path.write_text(f"categories:\n  a/b:\n    layer: host\n    tools:\n      - {tool}\n")
        with pytest.raises(InputError) as error:
            read_catalog(path)
        return str(error.value).replace(f"{path}:", "").splitlines()

    return read


def test_the_shipped_catalogue_holds_the_published_tools():
    catalog = read_catalog()
    tools = [tool for category in catalog.categories.values() for tool in category.tools]
    assert len(tools) == 24
    assert len({tool.script for tool in tools}) == 23
    assert all(tool.tool_class for tool in tools)


def test_the_labs_catalogue_is_of_the_same_shape():
    catalog = read_catalog(LAB_CATALOG)
    traits = catalog.traits("lab/packet-path", "rx_packet_stacks.bt")
    assert traits.tool_class is ToolClass.DETAILS_UNFILTERED
    assert catalog.placebo is not None


def test_a_lab_in_a_machine_has_tools_in_each_published_category_and_in_every_class():
    published, own = read_catalog().categories, read_catalog(MACHINE_CATALOG).categories
    assert {name: category.layer for name, category in own.items()} == {
        name: category.layer for name, category in published.items()
    }
    classes = {tool.tool_class for category in own.values() for tool in category.tools}
    assert classes == set(ToolClass)


def test_a_lab_in_a_machine_has_the_tools_of_every_lab_too(tmp_path):
    path = tmp_path / "tools.yaml"
    path.write_text(machine_catalog())
    catalog = read_catalog(path)
    every, own = read_catalog(LAB_CATALOG), read_catalog(MACHINE_CATALOG)
    assert catalog.categories == {**every.categories, **own.categories}
    assert catalog.placebo == every.placebo


def test_every_script_of_the_machines_catalogue_is_there_and_no_other():
    catalog = read_catalog(MACHINE_CATALOG)
    named = {
        f"{name}/{tool.script}"
        for name, category in catalog.categories.items()
        for tool in category.tools
    }
    there = {str(path.relative_to(TOOLS)) for path in TOOLS.rglob("*.bt")}
    assert named == {path for path in there if not path.startswith("lab/")}


def test_a_tool_that_reads_structures_is_told_where_their_types_are():
    for name, category in read_catalog(MACHINE_CATALOG).categories.items():
        for tool in category.tools:
            text = (TOOLS / name / tool.script).read_text()
            reads = "(struct sk_buff *)" in text or "(struct net_device *)" in text
            assert ("BPFTRACE_BTF" in tool.env) is reads, tool.script


def test_a_tool_is_added_in_five_lines(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "categories:\n  mine:\n    layer: host\n    tools:\n"
        "      - script: new.py\n"
        "        class: summary\n"
        "        matrix: {protocol: [tcp, udp], size: [64, 1500]}\n"
        '        command: "sudo python3 {path} -i {PHY_INTERFACE} -p {protocol} -s {size}"\n'
        "        readiness: {line: ^ready, deadline_s: 20}\n"
    )
    [tool] = read_catalog(path).categories["mine"].tools
    assert tool.matrix["size"] == ["64", "1500"]
    assert tool.readiness.rule() == Readiness(line="^ready", deadline_s=20)


@pytest.mark.parametrize(
    ("tool", "line"),
    [
        (
            "{script: a.py, command: 'x {path} {IFACE}'}",
            "5: categories.a/b.tools[0].command: unknown placeholder {IFACE}; expected one of",
        ),
        (
            "{script: a.py, command: 'x {path}', matrix: {p: []}}",
            "5: categories.a/b.tools[0].matrix.p: is empty; expected",
        ),
        (
            "{script: a.py, command: 'x {path}', matrix: {p: [yes]}}",
            "5: categories.a/b.tools[0].matrix.p[0]: is True; expected text",
        ),
        (
            "{script: a.py, command: 'x {path}', matrix: {p: '{pids}'}}",
            "5: categories.a/b.tools[0].matrix.p: unknown placeholder {pids}; expected one of",
        ),
        (
            "{script: ../a.py, command: 'x {path}'}",
            "5: categories.a/b.tools[0].script: '../a.py' is not a script's file name",
        ),
        (
            "{script: a.py, command: 'x {path}', clas: summary}",
            "5: categories.a/b.tools[0].clas: unknown key; expected class (did you mean it?)",
        ),
        (
            "{script: a.py, command: 'x {path}', class: fast}",
            "5: categories.a/b.tools[0].class: is 'fast'; expected 'summary', 'details_filtered'",
        ),
        (
            "{script: a.py, command: 'x {path}', readiness: {line: x, programs: 1}}",
            "5: categories.a/b.tools[0].readiness: several are set; expected one of line,",
        ),
        (
            "{script: a.py, command: 'x {path}', readiness: {line: '('}}",
            "5: categories.a/b.tools[0].readiness: line: ",
        ),
        ("{script: a.py}", "5: categories.a/b.tools[0].command: is missing; expected a command"),
        (
            '{script: a.py, command: "x \'y {path}"}',
            "5: categories.a/b.tools[0].command: is not a command: no closing quotation",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line(error_lines, tool, line):
    lines = error_lines(tool)
    assert any(found.startswith(line) for found in lines), lines


def test_braces_of_a_script_in_the_command_are_no_placeholders(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "categories: {c: {layer: host, tools: [{script: a.bt, command: "
        "\"bpftrace -e 'kprobe:x { @[comm] = count(); }' {path}\"}]}}\n"
    )
    assert read_catalog(path).categories["c"].tools[0].script == "a.bt"
