"""The container file agrees with the project; it is read here, not built."""

import json
import re
import shlex
import subprocess
import tomllib

from tasks.model.names import ROOT

from ..fresh.test_fresh_machine import SUITES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def instructions(name: str) -> list[str]:
    """The arguments of each instruction of that name, in order."""
    text = (ROOT / "deployments/Containerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{name} (.*)$", text, flags=re.MULTILINE)


def test_everything_that_is_copied_is_tracked() -> None:
    for copied in instructions("COPY"):
        for source in shlex.split(copied)[:-1]:
            tracked = ["git", "ls-files", "--error-unmatch", source]
            assert subprocess.run(tracked, cwd=ROOT, capture_output=True).returncode == 0, source


def test_all_that_the_wheel_holds_is_copied() -> None:
    copied = {source for line in instructions("COPY") for source in shlex.split(line)[:-1]}
    assert set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["sources"]) <= copied
    assert {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]} <= copied


def test_the_program_is_installed_as_by_make_setup() -> None:
    makefile = (ROOT / "Makefile").read_text()
    installs = re.findall(r"pip install (.*?)(?= &&|$)", "\n".join(instructions("RUN")), re.M)
    assert len(installs) == 2
    for install in installs:
        words = set(install.split()) - {"--no-cache-dir", "."}
        known = [set(line.split()) for line in re.findall(r"pip install (.*)", makefile)]
        assert any(words <= options for options in known), install


def test_its_distribution_is_one_on_which_the_readme_is_tried() -> None:
    (image,) = instructions("FROM")
    assert image in [f"docker.io/library/debian:{suite}-slim" for suite in SUITES]


def test_it_starts_the_project_s_command() -> None:
    (command,) = PROJECT["project"]["scripts"]
    (entry,) = instructions("ENTRYPOINT")
    (environment,) = re.findall(r"python3 -m venv (\S+)", "\n".join(instructions("RUN")))
    assert json.loads(entry) == [f"{environment}/bin/{command}"]
