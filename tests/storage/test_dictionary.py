"""datasets/README.md agrees with the schema."""

from tasks.model.metrics import METRICS
from tasks.model.names import ROOT
from tasks.storage.dictionary import render
from tasks.storage.schema import TABLES


def test_the_dictionary_is_generated_from_the_schema():
    kept = (ROOT / "datasets" / "README.md").read_text(encoding="utf-8")
    assert kept == render(), "run: python -m tasks.storage.dictionary"


def test_the_dictionary_contains_every_column_and_metric():
    text = render()
    names = {column.name for table in TABLES.values() for column in table.columns} | set(METRICS)
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []
