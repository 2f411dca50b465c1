"""The pictures of both READMEs are those that `make pictures` takes."""

import re

from tasks.model.names import ROOT


def test_every_picture_is_shown_and_every_picture_shown_exists():
    shown = {
        name
        for readme in ("README.md", "README.zh.md")
        for name in re.findall(r"deployments/pictures/([\w.-]+\.png)", (ROOT / readme).read_text())
    }
    kept = {path.name for path in (ROOT / "deployments" / "pictures").glob("*.png")}
    assert shown == kept
    assert len(shown) == 8


def test_each_has_a_light_and_a_dark_one():
    names = [path.name for path in (ROOT / "deployments" / "pictures").glob("*.light.png")]
    assert all(
        (ROOT / "deployments" / "pictures" / name.replace("light", "dark")).exists()
        for name in names
    )
