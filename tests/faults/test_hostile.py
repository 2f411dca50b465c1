"""Malicious names, arguments and archives."""

import contextlib
import io
import shlex
import stat
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tasks.execution.tool import argv_of
from tasks.model.catalog import read_catalog
from tasks.model.errors import InputError, RemoteError
from tasks.model.fields import Identifier
from tasks.model.names import as_id
from tasks.remote.quote import command_line
from tasks.remote.transfer import unpack
from tasks.storage.workflow import load as load_workflow

from .fault_bench import BASELINE, SERVER, Bench, final_states, load, placebo

NASTY = "$(touch /tmp/canary); `touch /tmp/canary` & | > /tmp/canary ' \" \\ * ~ -oProxyCommand=x"


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
                        max_size=12), max_size=4))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_every_argument_reaches_the_program_unchanged(words: list[str]):
    line = command_line(("printf", "%s\\0", "first", *words))
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True)
    assert done.stdout.decode() == "".join(f"{word}\0" for word in ("first", *words))


@pytest.mark.parametrize(
    "name", ["a/b", "..", "-oProxyCommand=x", "a b", "a\nb", "", "x" * 65, "é"]
)
def test_an_identifier_has_no_special_meaning_to_a_shell_or_in_a_path(name: str):
    with pytest.raises(ValidationError):
        TypeAdapter(Identifier).validate_python(name)
    made = as_id(name)
    assert TypeAdapter(Identifier).validate_python(made) == made


def test_yaml_builds_no_objects(tmp_path: Path):
    canary, file = tmp_path / "canary", tmp_path / "tools.yaml"
    file.write_text(f"categories: !!python/object/apply:os.system ['touch {canary}']\n")
    with pytest.raises(InputError):
        read_catalog(file)
    assert not canary.exists()


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 1}', '{"format": 99}', "\0", "{" * 5000])
def test_an_invalid_workflow_is_one_error(text: str):
    with pytest.raises(InputError):
        load_workflow(text, "workflow.json")


@pytest.mark.lab
async def test_metacharacters_in_a_parameter_are_passed_to_the_tool_and_not_to_a_shell(
    bench: Bench,
):
    command = shlex.join(("sh", "measurement-tools/placebo.sh", NASTY))
    case = placebo(1, command, "nasty")
    assert argv_of(case, is_root=True)[-1] == NASTY
    folder = bench.lay_out([BASELINE, case], [load(window_s=2)])
    await bench.measure(folder)
    assert set(final_states(folder).values()) == {"passed"}
    assert bench.inside(SERVER, "find", "/tmp", "-name", "canary") == ""


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for info, content in members:
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    info.mode = 0o6777
    return info


CONTENT = b"harmless"
DIGEST = sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    "info",
    [
        member("../escaped"),
        member("/tmp/escaped-by-archive"),
        member("a/../../escaped"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("hard", tarfile.LNKTYPE, "wanted"),
        member("device", tarfile.CHRTYPE),
        member("pipe", tarfile.FIFOTYPE),
        member("not-asked-for"),
    ],
    ids=lambda info: info.name,
)
def test_an_archive_member_that_is_not_a_requested_regular_file_is_refused(
    tmp_path: Path, info: tarfile.TarInfo
):
    wanted = {"wanted": DIGEST}
    if info.name != "not-asked-for":  # refused even if the host's own manifest lists it
        wanted[info.name] = DIGEST
    into = tmp_path / "deep" / "into"
    into.mkdir(parents=True)
    made = archive(tmp_path / "a.tar", (member("wanted"), CONTENT), (info, CONTENT))
    with pytest.raises(RemoteError, match="was not requested"):
        unpack(made, wanted, into, "host")
    outside = {path.name for path in tmp_path.rglob("*")} - {"deep", "into", "a.tar", "wanted"}
    assert outside == set()
    assert not Path("/tmp/escaped-by-archive").exists()
    assert stat.S_IMODE((into / "wanted").stat().st_mode) & 0o6111 == 0


def test_an_archive_above_the_size_cap_and_a_changed_file_are_refused(tmp_path: Path):
    made = archive(tmp_path / "a.tar", (member("big"), b"x" * 4096))
    digest = sha256(b"x" * 4096).hexdigest()
    with pytest.raises(RemoteError, match="larger than 1000 bytes"):
        unpack(made, {"big": digest}, tmp_path / "one", "host", cap=1000)
    with pytest.raises(RemoteError, match="differs"):
        unpack(made, {"big": DIGEST}, tmp_path / "two", "host")
    assert not any(path.is_file() for path in (tmp_path / "two").rglob("*"))


def test_a_truncated_archive_is_refused(tmp_path: Path):
    made = archive(tmp_path / "a.tar", (member("wanted"), CONTENT * 500))
    whole = made.read_bytes()
    digest = sha256(CONTENT * 500).hexdigest()
    for length in range(0, 4600, 100):
        made.write_bytes(whole[:length])
        into = tmp_path / f"cut-{length}"
        into.mkdir()
        with contextlib.suppress(RemoteError):
            assert unpack(made, {"wanted": digest}, into, "host") == ()
        assert not any(path.is_file() for path in into.rglob("*"))
