"""`<env>-full.yaml` as it is written: the tools' scripts, and the interpreter in their commands."""

import pytest

from tasks.discovery.full_yaml import to_full
from tasks.model.catalog import read_catalog
from tasks.model.errors import InputError

from .test_replay import replay


async def test_a_tools_script_that_is_not_there_is_reported(tmp_path):
    minimal, facts = await replay("plain")
    tools = minimal.tools.model_copy(update={"directory": tmp_path})
    minimal = minimal.model_copy(update={"tools": tools})
    with pytest.raises(InputError) as raised:
        to_full(minimal, facts, read_catalog())
    lines = str(raised.value).splitlines()
    assert len(lines) == 24  # every entry of the catalogue
    assert "linux-network-stack/packet-drop/eth_drop.py does not exist" in str(raised.value)


async def test_scripts_may_lie_flat_in_their_folder(tmp_path):
    minimal, facts = await replay("plain")
    (tmp_path / "a.bt").write_text("")
    (tmp_path / "c.yaml").write_text(
        "categories: {x/y: {layer: host, tools: [{script: a.bt, command: 'bpftrace {path}'}]}}\n"
    )
    tools = minimal.tools.model_copy(update={"directory": tmp_path})
    minimal = minimal.model_copy(update={"tools": tools})
    document = to_full(minimal, facts, read_catalog(tmp_path / "c.yaml"))
    [tool] = document["tools"]["categories"]["x/y"]["tools"]
    assert tool["path"] == "a.bt"


async def test_another_python_is_used_in_the_tools_commands():
    minimal, facts = await replay("plain")
    hints = minimal.discovery_hints.model_copy(update={"python_interpreter": "/opt/py/bin/python3"})
    minimal = minimal.model_copy(update={"discovery_hints": hints})
    document = to_full(minimal, facts, read_catalog())
    [first, *_] = document["tools"]["categories"]["ovs"]["tools"]
    assert first["template"].startswith("sudo /opt/py/bin/python3 {path} ")
