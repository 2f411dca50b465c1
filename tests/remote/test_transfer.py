"""File transfer to and from a real sshd. For hostile hosts, see tests/faults/test_hostile.py."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from tasks.model.errors import CommandFailed, RemoteError
from tasks.remote import transfer
from tasks.remote.connection import Connection


@pytest.fixture
async def connection(sshd):
    async with Connection(sshd.node, sshd.ssh) as host:
        yield host


@pytest.fixture
def tools(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "tools"
    (folder / "lib").mkdir(parents=True)
    script, data = folder / "a tool's.sh", folder / "lib/data"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    data.write_bytes(bytes(range(256)))
    return [script, data]


async def test_files_arrive_complete_with_their_executable_bit(connection, tools, tmp_path):
    there = tmp_path / "there"
    digests = await transfer.deliver(connection, tools, tmp_path / "tools", str(there))
    assert digests == {
        str(there / file.relative_to(tmp_path / "tools")): sha256(file.read_bytes()).hexdigest()
        for file in tools
    }
    for remote, digest in digests.items():
        assert sha256(Path(remote).read_bytes()).hexdigest() == digest
    assert os.access(there / "a tool's.sh", os.X_OK)
    assert not os.access(there / "lib/data", os.X_OK)


async def test_only_files_that_differ_are_sent_again(connection, tools, tmp_path):
    there = tmp_path / "there"
    await transfer.deliver(connection, tools, tmp_path / "tools", str(there))
    kept = (there / "a tool's.sh").stat().st_ino
    (there / "lib/data").write_text("changed on the host")
    await transfer.deliver(connection, tools, tmp_path / "tools", str(there))
    assert (there / "lib/data").read_bytes() == tools[1].read_bytes()
    assert (there / "a tool's.sh").stat().st_ino == kept


async def test_regular_files_are_collected_with_their_checksums(connection, tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    (there / "run/deep").mkdir(parents=True)
    (there / "run/one").write_text("1")
    (there / "run/deep/two").write_bytes(b"\0" * 5000)
    (there / "run/link").symlink_to("/etc/passwd")
    (there / "not asked for").touch()
    stored = await transfer.collect(connection, str(there), ["run/one", "run/deep"], here)
    assert {file.path: file.size for file in stored} == {"run/one": 1, "run/deep/two": 5000}
    for file in stored:
        assert sha256((here / file.path).read_bytes()).hexdigest() == file.sha256
    assert {path.name for path in here.rglob("*")} == {"run", "deep", "one", "two"}


async def test_a_missing_folder_is_an_error(connection, tmp_path):
    with pytest.raises(CommandFailed, match="No such file"):
        await transfer.collect(connection, str(tmp_path), ["gone"], tmp_path / "here")


async def test_a_file_that_was_not_delivered_is_named(connection, tmp_path, monkeypatch):
    there = tmp_path / "there"
    there.mkdir()
    (there / "one").write_text("1")

    async def promise(*_: object) -> dict[str, str]:
        return {"one": sha256(b"1").hexdigest(), "two": sha256(b"2").hexdigest()}

    monkeypatch.setattr(transfer, "manifest", promise)
    with pytest.raises(RemoteError, match=r"not delivered: \['two'\]"):
        await transfer.collect(connection, str(there), ["one"], tmp_path / "here")


def test_a_manifest_ignores_lines_that_are_not_from_sha256sum():
    digest = "0" * 64
    text = f"{digest}  ./a b\n{digest} *c\nsha256sum: d: No such file\n{digest[1:]}  e\n"
    assert transfer.parse_manifest(text) == {"a b": digest, "c": digest}
