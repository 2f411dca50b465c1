"""Writes `<env>-full.yaml`: the environment in the published structure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..model.catalog import Catalog, Tool, Traits, has_direction
from ..model.clock_kind import Clock
from ..model.environment import Layer, Node
from ..model.errors import InputError, raise_all
from ..model.facts import Facts
from ..model.inputs import MinimalInput, PairInput

TOOLS_DIR = "measurement-tools"
_TITLES = {Layer.HOST: "Host-to-host", Layer.VM: "VM-to-VM"}

_LOADS = {
    "throughput": {
        "single_stream": {"duration": 10},
        "multi_stream": {"duration": 10, "streams": 4},
    },
    "latency": {"duration": 10, "tcp_rr": {}, "udp_rr": {}},
    "pps": {
        "single_stream": {"duration": 10, "target_bw": "1G"},
        "multi_stream": {"duration": 10, "streams": 4, "target_bw": "1G"},
    },
}
_MONITORING = {
    "enabled": True,
    "cpu": True,
    "memory": True,
    "memory_types": ["virt", "rss"],
    "log_size": True,
    "cpu_stats": ["avg", "peak"],
}


def write_full(path: Path, document: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def to_full(minimal: MinimalInput, facts: Mapping[str, Facts], catalog: Catalog) -> dict[str, Any]:
    """The full.yaml's data. Raises InputErrors where a tool's script is not in its folder."""
    tools_directory = minimal.tools.directory
    return {
        "version": "1.0",
        "environment": minimal.environment,
        **({"hardware": minimal.hardware} if minimal.hardware else {}),
        **({"clock": str(minimal.clock)} if minimal.clock is not Clock.WALL else {}),
        "ssh": {
            "ssh_hosts": {name: _ssh_host(minimal.node(name)) for name in minimal.nodes},
            **minimal.ssh.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
        },
        "environments": {
            str(layer): _layer(minimal, layer, pair, facts)
            for layer, pair in minimal.test_pairs.items()
        },
        "paths": {
            "tools_dir": TOOLS_DIR,
            "results_dir": "ebpf-test-results",
            **({"measurement_tools_dir": str(tools_directory)} if tools_directory else {}),
        },
        "defaults": {
            "duration": 10,
            "timeout": 120,
            "use_sudo": True,
            "python_interpreter": minimal.discovery_hints.python_interpreter,
        },
        "monitoring": _MONITORING,
        "tools": _tools(minimal, facts, catalog),
        "performance_tests": _LOADS,
        "facts": {
            name: found.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            for name, found in facts.items()
        },
    }


def _ssh_host(node: Node) -> dict[str, Any]:
    host = {"host": node.host, "user": node.user, "workdir": node.workdir}
    return host if node.port == 22 else {**host, "port": node.port}


def _layer(
    minimal: MinimalInput, layer: Layer, pair: PairInput, facts: Mapping[str, Facts]
) -> dict[str, Any]:
    ends = {"server": pair.server, "client": pair.client}
    network: dict[str, Any] = {f"{end}_ip": facts[name].test_ip for end, name in ends.items()}
    if layer == Layer.HOST and facts[pair.server].internal_port:
        network["internal_interface"] = facts[pair.server].internal_port
    kvm: dict[str, Any] = {}
    for end, name in ends.items():
        vm = facts[name].vm if layer == Layer.VM else None
        path = vm or facts[name]
        network[f"{end}_physical_interface"] = path.physical
        network[f"{end}_physical_nic_members"] = list(path.physical_members)
        if vm:
            network[f"{end}_vm_interface"] = vm.tap
            kvm[end] = {
                "qemu_pid": str(vm.qemu_pid) if vm.qemu_pid else None,
                "vhost_pids": [str(pid) for pid in vm.vhost_pids],
            }
    return {
        "description": f"{_TITLES[layer]} testing on {minimal.environment}",
        **{end: _end(minimal.node(name), layer, facts[name]) for end, name in ends.items()},
        "network_config": network,
        **({"kvm_config": kvm} if layer == Layer.VM else {}),
    }


def _end(node: Node, layer: Layer, found: Facts) -> dict[str, Any]:
    end = {"ssh_ref": node.name, "test_ip": found.test_ip, "interface": found.interface}
    if layer == Layer.VM:
        end["vm_interface"] = found.vm.tap if found.vm else None
        end["physical_host_ref"] = node.host_ref
        end["uuid"] = node.uuid
    return end


def _tools(minimal: MinimalInput, facts: Mapping[str, Facts], catalog: Catalog) -> dict[str, Any]:
    archs = {layer: _tool_arch(minimal, layer, facts) for layer in minimal.test_pairs}
    python = minimal.discovery_hints.python_interpreter
    return tools_of(catalog, archs, python, minimal.tools.directory)


def tools_of(
    catalog: Catalog,
    archs: Mapping[Layer, str | None],
    python: str = "python3",
    directory: Path | None = None,
) -> dict[str, Any]:
    """The part `tools` of a full.yaml. Raises InputErrors where a script is not in its folder.

    archs: layer -> architecture of the machine on which its tools run. directory: the folder of
    the scripts on this machine; None: they are on their hosts.
    """
    errors: list[InputError] = []
    categories: dict[str, Any] = {}
    for name, category in catalog.categories.items():
        arch = archs.get(category.layer)
        tools = [_tool(name, tool, arch, python, directory, errors) for tool in category.tools]
        directed = any(has_direction(tool.command) for tool in category.tools)
        categories[name] = {
            "environment": str(category.layer),
            **({"directions": _directions(category.layer)} if directed else {}),
            "tools": tools,
        }
    raise_all(errors)
    placebo = catalog.placebo
    return {
        "categories": categories,
        **({"placebo": placebo.model_dump()} if placebo else {}),
    }


def _directions(layer: Layer) -> dict[str, dict[str, str]]:
    local, remote = f"{{{layer}_LOCAL_IP}}", f"{{{layer}_REMOTE_IP}}"
    return {
        "rx": {"SRC_IP": remote, "DST_IP": local},
        "tx": {"SRC_IP": local, "DST_IP": remote},
    }


def _tool_arch(minimal: MinimalInput, layer: Layer, facts: Mapping[str, Facts]) -> str | None:
    """Architecture of the machine on which the layer's tools run."""
    pair = minimal.test_pairs.get(layer)
    if pair is None:
        return None
    server = minimal.node(pair.server)
    return facts[server.host_ref or server.name].arch


def _tool(
    category: str,
    tool: Tool,
    arch: str | None,
    python: str,
    directory: Path | None,
    errors: list[InputError],
) -> dict[str, Any]:
    """The tool's entry; a missing script is added to `errors`."""
    script = (tool.script_on_aarch64 if arch == "aarch64" else None) or tool.script
    entry: dict[str, Any] = {
        "script": script,
        "template": tool.command.replace("python3 {path}", f"{python} {{path}}"),
    }
    nested = f"{category}/{script}"
    if directory and not tool.package and not (directory / nested).is_file():
        if (directory / script).is_file():  # all scripts in one folder
            entry["path"] = script
        else:
            problem = f"{nested} does not exist"
            errors.append(InputError(str(directory), "", problem, "the tool's script"))
    if tool.matrix:
        entry["parameters"] = tool.matrix
    return entry | tool.model_dump(
        mode="json",
        include=set(Traits.model_fields),
        by_alias=True,
        exclude_none=True,
        exclude_defaults=True,
    )
