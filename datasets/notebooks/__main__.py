"""`python -m datasets.notebooks [FOLDER]` writes the example pages from the made-up dataset."""

import sys
import tempfile
from pathlib import Path

from datasets.notebooks import what_changed, which_tools
from datasets.notebooks.example import write_example
from datasets.notebooks.pages import write_page

NOTES = {
    "en": "Made-up data (datasets/notebooks/example.py): this shows the notebook, not a tool.",
    "zh": "虚构数据（datasets/notebooks/example.py）：展示的是笔记本本身，不是任何工具的结论。",
}

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("examples")
with tempfile.TemporaryDirectory() as directory:
    root = Path(directory) / "parquet"
    write_example(root)
    for lang, note in NOTES.items():
        write_page(which_tools.app, folder / f"which_tools.{lang}.html", root, lang, note)
        write_page(what_changed.app, folder / f"what_changed.{lang}.html", root, lang, note)
