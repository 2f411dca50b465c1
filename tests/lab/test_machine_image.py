"""The image of a machine: made once, by one process at a time, and whole or not at all."""

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.lab.booted import image
from tasks.model.errors import CommandFailed

Made = list[str]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(image, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(image, "NEEDED_GIB", 0.0)
    return tmp_path / "cache"


def making(seconds: float = 0.0, error: BaseException | None = None) -> Callable[..., None]:
    """A stand-in for the minutes that an image takes."""

    def make(scratch: Path, kernel: str, notify: Callable[[str], None]) -> None:
        notify("making")
        (scratch / "image").mkdir()
        time.sleep(seconds)
        if error is not None:
            raise error
        (scratch / "image/kernel").write_text(kernel)

    return make


def test_of_two_at_once_one_makes_the_image_and_the_other_waits_for_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "_make", making(seconds=0.5))
    said: list[str] = []
    makers = [
        threading.Thread(target=image.machine_image, args=("6.1", said.append)) for _ in range(2)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert said.count("making") == 1
    assert "waiting for another lab, which makes an image" in said
    assert image.machine_image("6.1", said.append).kernel.read_text() == "6.1"
    assert said.count("making") == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), CommandFailed("here", "no package")])
def test_an_image_that_is_not_finished_is_not_there(
    cache: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(image, "_make", making(error=error))
    with pytest.raises(type(error)):
        image.machine_image("6.1", lambda _: None)
    assert [path.name for path in cache.iterdir()] == ["lock"]


def test_what_a_killed_process_left_is_removed_before_the_next_image(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "making-x/root").mkdir(parents=True)
    monkeypatch.setattr(image, "_make", making())
    image.machine_image("6.1", lambda _: None)
    assert not list(cache.glob("making-*"))


def test_an_image_that_was_not_used_for_a_month_makes_room(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "_make", making())
    for name, age_days in (("6.1-old", 31), ("6.1-recent", 1), ("5.10-old", 31)):
        (cache / name).mkdir(parents=True)
        then = time.time() - age_days * 86400
        subprocess.run(["touch", "-d", f"@{then}", str(cache / name)], check=True)
    image.machine_image("6.1", lambda _: None)
    left = {path.name for path in cache.iterdir()}
    assert "6.1-old" not in left
    assert {"6.1-recent", "5.10-old"} <= left, "another kernel's image is not this one's business"


def test_a_package_that_no_mirror_serves_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*argv: str, **_: object) -> str:
        stderr = "I: automatically chosen\nE: Unable to locate package sockperf\nE: apt-get failed"
        raise CommandFailed("here", "setpriv failed", command=" ".join(argv), stderr=stderr)

    monkeypatch.setattr(image, "run", run)
    monkeypatch.setattr(image.debian, "sources", lambda: [])
    monkeypatch.setattr(image.debian, "apt_options", lambda: [])
    with pytest.raises(CommandFailed) as raised:
        image._unpack_debian(tmp_path, "6.1")
    assert str(raised.value).endswith(
        "mmdebstrap made no Debian with Linux 6.1: Unable to locate package sockperf"
    )
