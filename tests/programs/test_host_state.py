import os
import subprocess
from pathlib import Path

import pytest

from tasks.model.errors import ParseError
from tasks.programs import host_state


def looked(*interfaces: str, guests: tuple[str, ...] = (), since: float | None = None) -> str:
    argv = host_state.argv(interfaces, guests, since)
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_this_machine_tells_its_kernel_and_an_interfaces_settings():
    look = host_state.parse(looked("lo"), "here")
    assert look.settings["kernel"]
    assert look.settings["lo/mtu"].isdigit()
    assert look.warnings is None, "none asked for"


def test_two_looks_at_an_unchanged_world_are_equal():
    assert (
        host_state.parse(looked("lo"), "a").settings == host_state.parse(looked("lo"), "b").settings
    )


def test_an_interface_that_is_not_there_is_missing_and_no_error():
    assert not any(
        name.startswith("nosuch") for name in host_state.parse(looked("nosuch0"), "here").settings
    )


LOG = "==> world <==\nkernel: 5.10\n==> log <==\n12.500000\n==> warnings <==\n"


def test_warnings_come_only_after_the_stamp():
    text = LOG.replace("==> log", "==> carriers <==\n41\n==> log")
    assert host_state.parse(text, "h").warnings == ()
    look = host_state.parse(text + " [   13.000000] oops\n", "h")
    assert (look.log_stamp, look.carriers, look.warnings) == (12.5, (41,), ("[   13.000000] oops",))


@pytest.mark.parametrize(
    "line",
    [
        "CPU0: Intel(R) Xeon(R) CPU @ 2.20GHz",
        "@ log",
        "==> warnings <==",
        "==> log <== a\fb\u2028c",
    ],
)
def test_no_kernel_message_ends_the_section_of_warnings(line: str):
    warnings = (f"[   13.000000] {line}", line, "[   14.000000] Oops: 0000 [#1] SMP")
    text = LOG + "".join(f" {warning}\n" for warning in warnings)
    assert host_state.parse(text, "h").warnings == warnings


def test_a_setting_with_an_at_sign_hides_no_other():
    text = LOG.replace("kernel:", "model: Intel Xeon @ 2.20GHz\nkernel:")
    world = host_state.parse(text, "h").settings
    assert world == {"model": "Intel Xeon @ 2.20GHz", "kernel": "5.10"}


def test_warnings_of_a_real_shell_are_quoted(tmp_path: Path):
    message = "[   13.0] CPU @ 2.20GHz"
    log = [message, "[   13.5] ==> log <==", "[   14.0] Oops"]
    program = tmp_path / "dmesg"
    program.write_text("#!/bin/sh\ncat <<'END'\n[    1.0] boot\n" + "\n".join(log) + "\nEND\n")
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    argv = host_state.argv(["lo"], since=2.0)
    answer = subprocess.run(
        argv, capture_output=True, text=True, check=True, env={**os.environ, "PATH": path}
    )
    look = host_state.parse(answer.stdout, "h")
    assert (look.log_stamp, look.warnings) == (14.0, tuple(log))


def test_a_log_that_may_not_be_read_is_not_observed():
    look = host_state.parse("==> world <==\nkernel: 4.19\n==> carriers <==\n", "h")
    assert look.log_stamp is None
    assert look.warnings is None


@pytest.mark.parametrize("text", ["", "junk", "==> world <==\n", "==> world <==\nkernel: \n"])
def test_an_answer_without_a_kernel_is_refused(text: str):
    with pytest.raises(ParseError):
        host_state.parse(text, "h")
