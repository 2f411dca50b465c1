import json
import os
import subprocess
from dataclasses import replace

import pytest

from tasks.model.catalog import read_catalog
from tasks.model.clock_kind import Clock
from tasks.model.environment import Layer
from tasks.model.errors import InputError
from tasks.model.full import FullConfig, read_full
from tasks.model.names import ROOT
from tasks.model.plan import CaseKind, ToolClass
from tasks.planning.cases import (
    PLACEBO,
    cases_document,
    expand,
    mismatch,
    placebo_case,
    read_cases,
    write_cases,
)

from ..paths import REFERENCE_CASES

FULL = REFERENCE_CASES / "os630-kernel-510-intel-full.yaml"
CASES = REFERENCE_CASES / "os630-kernel-510-intel-cases.json"


@pytest.fixture(scope="module")
def catalog():
    return read_catalog()


@pytest.fixture(scope="module")
def full():
    return read_full(FULL)


def changed(full: FullConfig, **tools) -> FullConfig:
    """The reference environment with one category of tools, written as in a file."""
    data = full.model_dump(mode="json", by_alias=True)
    data["tools"] = {"categories": tools}
    return FullConfig.model_validate(data)


def one_tool(full, template, environment="host", **tool):
    entry = {"script": "t.py", "template": template, **tool}
    return changed(full, c={"environment": environment, "tools": [entry]})


def test_the_97_published_cases_come_out_byte_for_byte(full, catalog, tmp_path):
    cases = expand(full, catalog)
    assert cases_document(full, cases) == json.loads(CASES.read_text())
    write_cases(tmp_path / "cases.json", full, cases)
    assert (tmp_path / "cases.json").read_bytes() == CASES.read_bytes()


def test_a_published_file_gets_its_tools_traits_from_the_catalogue(full, catalog):
    cases = expand(full, catalog)
    classes = {case.tool: case.tool_class for case in cases}
    assert len(classes) == 23
    assert classes["eth_drop"] is ToolClass.DETAILS_UNFILTERED
    assert classes["vm_network_latency_details"] is ToolClass.DETAILS_FILTERED
    assert None not in classes.values()


def test_cases_read_back_are_the_expanded_ones(full, catalog):
    assert read_cases(CASES, full, catalog) == expand(full, catalog)


def test_a_case_mended_by_hand_keeps_its_number_and_command(full, catalog, tmp_path):
    document = json.loads(CASES.read_text())
    document["test_cases"] = document["test_cases"][40:42]
    document["test_cases"][0]["command"] += " --mended"
    path = tmp_path / "x-cases.json"
    path.write_text(json.dumps(document))
    cases = read_cases(path, full, catalog)
    assert [case.id for case in cases] == [41, 42]
    assert cases[0].command.endswith("--interval 1 --mended")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"test_cases": [{"id": 1}]}', '{"test_cases": 3}']
)
def test_a_broken_cases_file_is_reported_in_one_line(full, catalog, tmp_path, text):
    path = tmp_path / "x-cases.json"
    path.write_text(text)
    with pytest.raises(InputError) as raised:
        read_cases(path, full, catalog)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_option_without_a_value_is_left_out_with_its_name(full, catalog):
    data = full.model_dump(mode="json", by_alias=True)
    data["environments"]["host"]["network_config"]["internal_interface"] = None
    case = expand(FullConfig.model_validate(data), catalog)[0]
    assert "--internal-interface" not in case.command
    assert case.command.split()[3:5] == ["--phy-interface", "p2p1"]
    assert case.skipped is None


def test_an_option_in_one_word_with_its_value_is_left_out_too(full, catalog):
    [case] = expand(one_tool(full, "t {path} --dev={VM_INTERFACE} --all"), catalog)
    assert case.command == "t measurement-tools/c/t.py --all"


def test_a_bare_argument_without_a_value_makes_the_case_skipped_with_the_reason(full, catalog):
    [case] = expand(one_tool(full, "t {path} {VM_INTERFACE}"), catalog)
    assert case.skipped == "nothing was found for VM_INTERFACE"
    assert case.command == ""


def test_a_required_option_without_a_value_makes_the_case_skipped(full, catalog):
    [case] = expand(
        one_tool(full, "t {path} --device {VM_INTERFACE}", required=["VM_INTERFACE"]), catalog
    )
    assert case.skipped == "nothing was found for VM_INTERFACE"


def test_a_list_that_was_not_found_is_one_skipped_case_for_each_other_value(full, catalog):
    data = one_tool(
        full,
        "t {path} --pid {pid} --way {way}",
        parameters={"pid": "{vhost_pids}", "way": ["rx", "tx"]},
    )
    assert [case.skipped for case in expand(data, catalog)] == ["nothing was found for pid"] * 2


def test_without_vms_their_cases_stay_visible_and_say_why(full, catalog):
    data = full.model_dump(mode="json", by_alias=True)
    del data["environments"]["vm"]
    cases = expand(FullConfig.model_validate(data), catalog)
    reasons = {case.skipped for case in cases if case.layer == Layer.VM}
    assert reasons == {"the environment has no vm pair"}
    assert not any(case.skipped for case in cases if case.layer == Layer.HOST)


def test_a_value_with_a_shells_characters_stays_one_word(full, catalog):
    [case] = expand(one_tool(full, "t {path} --filter {f}", f="a; touch /tmp/x"), catalog)
    assert case.command.endswith("--filter 'a; touch /tmp/x'")


def test_the_placebo_is_a_case_that_runs_a_script_of_this_project(full):
    case = placebo_case(full, Layer.VM)
    assert (case.kind, case.layer) == (CaseKind.PLACEBO, Layer.VM)
    assert case.command == "sh measurement-tools/placebo.sh"
    assert PLACEBO.is_file()


def test_a_placebo_rests_where_a_line_a_second_would_be_in_the_figures(full):
    counting = full.model_copy(update={"clock": Clock.INSTRUCTIONS})
    assert placebo_case(full, Layer.HOST).env == {}
    lines = {}
    for name, case in (("wall", full), ("counting", counting)):
        env = {**os.environ, **placebo_case(case, Layer.HOST).env}
        for script in (PLACEBO, ROOT / "tasks/lab/tools/placebo.sh"):
            argv = ("timeout", "-s", "TERM", "2.5", "sh", str(script))
            printed = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
            lines[name, script.parent.name] = printed.stdout.count("placebo")
    assert lines["counting", "planning"] == lines["counting", "tools"] == 1
    assert min(lines["wall", "planning"], lines["wall", "tools"]) >= 2


def test_a_cases_file_that_was_corrected_by_hand_is_told_from_the_generated_one(full, catalog):
    cases = list(expand(full, catalog))
    assert mismatch(cases, cases) == ""
    kept = [replace(cases[0], command="true"), *cases[2:], replace(cases[1], name="mine")]
    first, second = cases[0].name, cases[1].name
    assert mismatch(cases, kept) == (
        f"other commands: 1 ({first}); only in full.yaml: 1 ({second}); "
        "only in cases.json: 1 (mine)"
    )
