"""The helpers that open the datasets in a notebook."""

import ebpf_overhead
import pytest

from tasks.storage.dataset import Dataset
from tasks.storage.schema import TABLES


@pytest.fixture
def root(tmp_path, run_tables):
    Dataset(tmp_path).replace("lab", "007", run_tables("lab", "007"))
    return tmp_path


def test_each_table_is_a_lazy_frame(root):
    assert ebpf_overhead.open(root).cells.collect().height == 2
    assert ebpf_overhead.open(root).effects.collect().height == 0


def test_the_error_for_an_unknown_table_names_the_known_ones(root):
    with pytest.raises(AttributeError, match="no table cases; there are runs, cells"):
        ebpf_overhead.open(root).cases  # noqa: B018


def test_duckdb_has_a_view_of_each_table_with_the_same_columns(root):
    pytest.importorskip("duckdb")
    connection = ebpf_overhead.open(root).duckdb()
    for name, table in TABLES.items():
        assert connection.sql(f"select * from {name}").columns == table.schema.names(), name
    assert connection.sql("select run, count(value) from samples group by run").fetchall() == [
        ("007", 1)
    ]
