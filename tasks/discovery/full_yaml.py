"""Writes `<env>-full.yaml`: the environment in the published structure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..model.catalog import Catalog, Tool, Traits, has_direction
from ..model.environment import Layer
from ..model.errors import InputError, raise_all
from ..model.facts import Facts
from ..model.inputs import MinimalInput, PairInput

TOOLS_DIR = "measurement-tools"
_WAYS = {Layer.HOST: "Host-to-host", Layer.VM: "VM-to-VM"}

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
    layers = {
        str(layer): _layer(minimal, layer, pair, facts)
        for layer, pair in minimal.test_pairs.items()
    }
    return {
        "version": "1.0",
        "environment": minimal.environment,
        **({"hardware": minimal.hardware} if minimal.hardware else {}),
        "ssh": _ssh(minimal),
        "environments": layers,
        "paths": _paths(minimal),
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


def _ssh(minimal: MinimalInput) -> dict[str, Any]:
    nodes = [minimal.node(name) for name in minimal.nodes]
    given = minimal.ssh.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return {
        "ssh_hosts": {
            node.name: {
                "host": node.host,
                "user": node.user,
                "workdir": node.workdir,
                **({"port": node.port} if node.port != 22 else {}),
            }
            for node in nodes
        },
        **given,
    }


def _paths(minimal: MinimalInput) -> dict[str, Any]:
    local = minimal.tools.directory
    return {
        "tools_dir": TOOLS_DIR,
        "results_dir": "ebpf-test-results",
        **({"measurement_tools_dir": str(local)} if local else {}),
    }


def _layer(
    minimal: MinimalInput, layer: Layer, pair: PairInput, facts: Mapping[str, Facts]
) -> dict[str, Any]:
    ends = {"server": pair.server, "client": pair.client}
    network: dict[str, Any] = {f"{end}_ip": facts[name].test_ip for end, name in ends.items()}
    if layer == Layer.HOST and facts[pair.server].internal_port:
        network["internal_interface"] = facts[pair.server].internal_port
    for end, name in ends.items():
        found = facts[name]
        vm = found.vm if layer == Layer.VM else None
        network[f"{end}_physical_interface"] = vm.physical if vm else found.physical
        network[f"{end}_physical_nic_members"] = list(
            vm.physical_members if vm else found.physical_members
        )
        if vm:
            network[f"{end}_vm_interface"] = vm.tap
    return {
        "description": f"{_WAYS[layer]} testing on {minimal.environment}",
        **{end: _end(minimal, layer, name, facts) for end, name in ends.items()},
        "network_config": network,
        **({"kvm_config": _kvm(ends, facts)} if layer == Layer.VM else {}),
    }


def _end(
    minimal: MinimalInput, layer: Layer, name: str, facts: Mapping[str, Facts]
) -> dict[str, Any]:
    node, found = minimal.node(name), facts[name]
    end = {"ssh_ref": name, "test_ip": found.test_ip, "interface": found.interface}
    if layer == Layer.VM:
        end["vm_interface"] = found.vm.tap if found.vm else None
        end["physical_host_ref"] = node.host_ref
        end["uuid"] = node.uuid
    return end


def _kvm(ends: Mapping[str, str], facts: Mapping[str, Facts]) -> dict[str, Any]:
    found = {end: facts[name].vm for end, name in ends.items()}
    return {
        end: {
            "qemu_pid": str(vm.qemu_pid) if vm.qemu_pid else None,
            "vhost_pids": [str(pid) for pid in vm.vhost_pids],
        }
        for end, vm in found.items()
        if vm
    }


def _tools(minimal: MinimalInput, facts: Mapping[str, Facts], catalog: Catalog) -> dict[str, Any]:
    errors: list[InputError] = []
    categories: dict[str, Any] = {}
    for name, category in catalog.categories.items():
        arch = _tool_arch(minimal, category.layer, facts)
        tools = [_tool(minimal, name, tool, arch, errors) for tool in category.tools]
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
    """Architecture of the machine that the layer's tools run on."""
    pair = minimal.test_pairs.get(layer)
    if pair is None:
        return None
    server = minimal.node(pair.server)
    return facts[server.host_ref or server.name].arch


def _tool(
    minimal: MinimalInput, category: str, tool: Tool, arch: str | None, errors: list[InputError]
) -> dict[str, Any]:
    script = tool.script_on_aarch64 if arch == "aarch64" else None
    script = script or tool.script
    python = minimal.discovery_hints.python_interpreter
    entry: dict[str, Any] = {
        "script": script,
        "template": tool.command.replace("python3 {path}", f"{python} {{path}}"),
    }
    below = _below(minimal.tools.directory, category, script)
    if below is None:
        problem = f"{category}/{script} is not there"
        errors.append(InputError(str(minimal.tools.directory), "", problem, "the tool's script"))
    elif below != f"{category}/{script}":
        entry["path"] = below
    if tool.matrix:
        entry["parameters"] = tool.matrix
    traits = Traits.model_fields.keys()
    return entry | tool.model_dump(
        mode="json", include=set(traits), by_alias=True, exclude_none=True, exclude_defaults=True
    )


def _below(directory: Path | None, category: str, script: str) -> str | None:
    """The script's path in the tools' folder, where it may lie flat; None: it is not there."""
    nested = f"{category}/{script}"
    if directory is None or (directory / nested).is_file():
        return nested
    return script if (directory / script).is_file() else None
