import subprocess

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


def test_warnings_come_only_after_the_stamp():
    text = "@ world\nkernel: 5.10\n@ frequency\n@ carriers\n41\n@ log\n12.500000\n@ warnings\n"
    assert host_state.parse(text, "h").warnings == ()
    look = host_state.parse(text + "[   13.000000] oops\n", "h")
    assert (look.log_stamp, look.carriers, look.warnings) == (12.5, (41,), ("[   13.000000] oops",))


def test_a_log_that_may_not_be_read_is_not_observed():
    look = host_state.parse("@ world\nkernel: 4.19\n@ frequency\n@ carriers\n", "h")
    assert look.log_stamp is None
    assert look.warnings is None


@pytest.mark.parametrize("text", ["", "junk", "@ world\n", "@ world\nkernel: \n"])
def test_an_answer_without_a_kernel_is_refused(text: str):
    with pytest.raises(ParseError):
        host_state.parse(text, "h")
